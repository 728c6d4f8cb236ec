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


def answer(spec: ModelSpec, graph: bytes, X: pd.DataFrame) -> Answers:
    """Return the graph's answers to the rows of `X` (rows, inputs)."""
    numeric = X[spec.in_array("numeric")].to_numpy(dtype=np.float64)
    categorical = X[spec.in_array("categorical")].to_numpy(dtype=object)
    return Answers(*run(open_session(graph), numeric, categorical))


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
