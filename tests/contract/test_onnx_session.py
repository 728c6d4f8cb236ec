"""A graph answers many rows as it answers each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from contract import bundle
from contract.bundle import Example
from contract.onnx_session import BATCH, open_session, run
from tests.support.servers.bundles import birds, flowers, patients


def random_inputs(rows: int, widths: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return numbers and texts, (rows, width) of each, as a graph takes them."""
    random = np.random.default_rng(0)
    texts = random.choice(["Biscoe", "Dream", "male", ""], (rows, widths[1]))
    return random.uniform(0, 50, (rows, widths[0])).round(1), texts.astype(object)


def answer(predictions: NDArray[Any], probabilities: Any, row: int = 0) -> Any:
    """Return the prediction and the probabilities of one row, of (rows,) and (rows, classes)."""
    return predictions.tolist()[row], None if probabilities is None else probabilities[row].tolist()


@pytest.mark.parametrize("rows", [1, 2, BATCH, 2 * BATCH + 3])
@pytest.mark.parametrize(
    ("make", "widths"), [(flowers, (4, 0)), (birds, (2, 2)), (patients, (10, 0))]
)
def test_rows_are_answered_in_their_order(
    make: Callable[[Path], Path], widths: tuple[int, int], rows: int, tmp_path: Path
) -> None:
    """Each row has the answer that it has alone, whichever inputs and outputs the graph has."""
    session = open_session(bundle.read(make(tmp_path / "made")).model_file)
    numeric, categorical = random_inputs(rows, widths)
    predictions, probabilities = run(session, numeric, categorical)
    assert predictions.shape == (rows,)
    assert (make is patients) == (probabilities is None)
    for row in {0, rows // 2, rows - 1}:
        alone = answer(*run(session, numeric[row : row + 1], categorical[row : row + 1]))
        example = Example(features={}, prediction=alone[0], probabilities=alone[1])
        assert example.is_answered_by(*answer(predictions, probabilities, row))
