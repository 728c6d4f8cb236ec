"""Compare the answers of an exported graph with the estimator's, row by row."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contract.bundle import Parity
from contract.onnx_session import open_session
from contract.spec.model_toml import ModelSpec
from train.fit.evaluate import Answers

BATCH = 1_000


def answer(spec: ModelSpec, graph: bytes, X: pd.DataFrame) -> Answers:
    """Return the graph's answers to X (rows, inputs): to one row, then to the others in batches."""
    session = open_session(graph)
    ends = [0, 1, *range(BATCH, len(X), BATCH), len(X)]  # one row alone, then many at a time
    batches = [session.run(None, feed(spec, X.iloc[a:b])) for a, b in itertools.pairwise(ends)]
    outputs: list[NDArray[Any]] = [np.concatenate(parts) for parts in zip(*batches, strict=True)]
    predictions = outputs[0].reshape(len(X))
    return Answers(predictions, outputs[1].astype(np.float64) if len(outputs) > 1 else None)


def feed(spec: ModelSpec, X: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return the graph's inputs, each of shape (rows, columns): `numeric` and `categorical`."""
    numeric, categorical = spec.columns("numeric"), spec.columns("categorical")
    tensors: dict[str, NDArray[Any]] = {}
    if numeric:
        tensors["numeric"] = X[numeric].to_numpy(dtype=np.float64)
    if categorical:
        tensors["categorical"] = X[categorical].to_numpy(dtype=object)
    return tensors


def compare(expected: Answers, got: Answers, scale: float) -> Parity:
    """Count different labels and find the largest difference of any number.

    Probabilities differ absolutely; regression values relative to their own size, or to `scale`
    (the spread of the target) where they are smaller than that. The difference is rounded up to one
    digit, so that it is the same on every processor.
    """
    if np.issubdtype(expected.predictions.dtype, np.floating):
        size = np.maximum(np.abs(expected.predictions), scale)
        same = got.predictions == expected.predictions  # also where both are infinite
        with np.errstate(invalid="ignore"):
            difference = np.abs(got.predictions - expected.predictions) / size
        difference = np.where(same, 0, difference)
        return Parity(rows=len(size), label_mismatches=0, max_difference=round_up(difference))
    mismatches = int(np.sum(got.predictions != expected.predictions))
    difference = np.zeros(1)
    if expected.probabilities is not None and got.probabilities is not None:
        difference = np.abs(got.probabilities - expected.probabilities)
    rows = len(expected.predictions)
    return Parity(rows=rows, label_mismatches=mismatches, max_difference=round_up(difference))


def round_up(differences: NDArray[np.float64]) -> float:
    """Return the largest of the differences (rows,) or (rows, classes), rounded up to one digit."""
    largest = float(np.max(differences))
    if not math.isfinite(largest) or largest == 0:
        return math.inf if largest else 0.0
    unit = 10.0 ** math.floor(math.log10(largest))
    return float(f"{math.ceil(largest / unit - 1e-9) * unit:.0e}")
