"""A forest answers large batches in an order of its own, and nobody can tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from contract import bundle as bundles
from contract.bundle import Bundle, Input, Outcome
from serve.inference.predictor import Predictor
from serve.inference.z_order import WORTH_IT, Order, has_trees

ROWS = 4 * WORTH_IT
FIELDS = [
    Input(name=name, kind="numeric", missing=True, minimum=0, maximum=most)
    for name, most in (("a", 1), ("b", 10), ("constant", 0))
]


def random_numbers(width: int) -> NDArray[np.float64]:
    """Return numbers with one decimal, of shape (ROWS, width)."""
    return np.random.default_rng(0).uniform(-1, 9, (ROWS, width)).round(1)


@pytest.fixture
def forest(make_bundle: Callable[[str], Path]) -> Bundle:
    """The bundle of flowers, a forest."""
    return bundles.read(make_bundle("flowers"))


def test_large_batches_are_answered_as_small_ones(forest: Bundle) -> None:
    """Each row of a large batch gets, in its place, the answer that it gets in a small one."""
    predictor = Predictor(forest, threads=1)
    rows = [tuple(row) for row in random_numbers(4).tolist()]
    _, large = predictor(rows)
    labels: list[Outcome] = []
    probabilities: list[list[float]] = []
    for start in range(0, ROWS, 100):
        _, small = predictor(rows[start : start + 100])
        labels += small.labels
        probabilities += small.probabilities or []
    assert labels == list(large.labels)
    assert probabilities == large.probabilities
    assert len(set(labels)) > 1


def test_order_puts_rows_that_are_alike_together() -> None:
    """The steps from row to row are less than half as long in the new order."""
    numbers = random_numbers(3) * [0.1, 1, 0]
    order = Order(FIELDS)(numbers)
    assert sorted(order) == list(range(ROWS))
    before, after = (np.abs(np.diff(n, axis=0)).mean(axis=0) for n in (numbers, numbers[order]))
    assert (after[:2] < before[:2] / 2).all()


def test_order_takes_what_training_never_saw() -> None:
    """Missing values and numbers far outside the range have their place, too."""
    numbers = np.array([[np.nan, 1e38, -1e38], [0.5, 5, 0], [-1e38, np.nan, np.nan]] * 100)
    assert sorted(Order(FIELDS)(numbers)) == list(range(300))


@pytest.mark.parametrize(("kind", "expected"), [("flowers", True), ("birds", False)])
def test_order_is_for_trees(
    make_bundle: Callable[[str], Path], kind: str, *, expected: bool
) -> None:
    """A forest is worth the sorting, a linear model is not."""
    assert has_trees(make_bundle(kind) / "model.onnx") == expected
