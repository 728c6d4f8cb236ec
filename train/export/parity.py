"""Compare the answers of an exported graph with the estimator's, row by row."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contract.bundle import Parity
from contract.onnx_session import open_session, run
from contract.spec.model_toml import ModelSpec
from train.fit.evaluate import Answers

Numbers = NDArray[np.float64]


def answer(spec: ModelSpec, graph: bytes, X: pd.DataFrame) -> Answers:
    """Return the graph's answers to the rows of `X` (rows, inputs)."""
    numeric = X[spec.in_array("numeric")].to_numpy(dtype=np.float64)
    categorical = X[spec.in_array("categorical")].to_numpy(dtype=object)
    return Answers(*run(open_session(graph), numeric, categorical))


def compare(expected: Answers, got: Answers, scale: float | NDArray[np.float64]) -> Parity:
    """Count different labels and find the largest difference of any number.

    Probabilities differ absolutely; regression values and anomaly scores relative to their own
    size, or to `scale` (the spread of each target, (targets,), or of the scores of training rows)
    where they are smaller than that. The difference is rounded up to one digit, so that it is the
    same on every processor.
    """
    if np.issubdtype(expected.predictions.dtype, np.floating):
        difference = relative(expected.predictions, got.predictions, scale)
        return Parity(rows=len(difference), label_mismatches=0, max_difference=round_up(difference))
    mismatches = int(np.sum(got.predictions != expected.predictions))
    difference = np.zeros(1)
    if expected.probabilities is not None and got.probabilities is not None:
        numbers = expected.probabilities, got.probabilities
        is_score = expected.probabilities.shape[1] == 1
        difference = relative(*numbers, scale) if is_score else np.abs(np.subtract(*numbers))
    rows = len(expected.predictions)
    return Parity(rows=rows, label_mismatches=mismatches, max_difference=round_up(difference))


def relative(expected: Numbers, got: Numbers, scale: float | Numbers) -> Numbers:
    """Return how far numbers are apart, relative to the expected ones or `scale`.

    All have the shape (rows,), or (rows, 1) of scores, or (rows, targets).
    """
    same = got == expected  # also where both are infinite
    with np.errstate(invalid="ignore"):
        difference = np.abs(got - expected) / np.maximum(np.abs(expected), scale)
    return np.where(same, 0, difference)


def round_up(differences: NDArray[np.float64]) -> float:
    """Return the largest of the differences, (rows,) or (rows, columns), rounded up to a digit."""
    largest = float(np.max(differences))
    if not math.isfinite(largest) or largest == 0:
        return math.inf if largest else 0.0
    unit = 10.0 ** math.floor(math.log10(largest))
    return float(f"{math.ceil(largest / unit - 1e-9) * unit:.0e}")
