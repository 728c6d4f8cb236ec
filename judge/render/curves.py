"""The points of ROC, precision-recall and calibration curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Label
from contract.evaluation.evaluation import Evaluation
from judge.render.plots import Points

MOST = 120  # points of a curve; more look the same
BINS = 8


def of_class(
    evaluation: Evaluation, classes: Sequence[Label], place: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which rows are of a class, and their probabilities of that class, both (rows,).

    Of anomalies, the second class, these are their scores.
    """
    odds = np.array(evaluation.probabilities, dtype=np.float64)
    odds = odds[:, min(place, odds.shape[1] - 1)]
    return np.array([label == classes[place] for label in evaluation.truth]), odds


def counts(
    positive: NDArray[np.bool_], odds: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the true and the false positives at each threshold, the highest first.

    Takes which rows are positive and their probabilities, both (rows,); returns two arrays
    (thresholds,).
    """
    order = np.argsort(-odds, kind="stable")
    last = np.flatnonzero(np.diff(odds[order], append=np.nan))
    true = np.cumsum(positive[order])[last]
    return true.astype(np.float64), (last + 1 - true).astype(np.float64)


def roc(positive: NDArray[np.bool_], odds: NDArray[np.float64]) -> Points:
    """Return the ROC curve (Fawcett 2006).

    Takes which rows are positive and their probabilities, both (rows,).
    """
    true, false = counts(positive, odds)
    share = np.stack([false / max(1, (~positive).sum()), true / max(1, positive.sum())], axis=1)
    return thinned([(0.0, 0.0), *map(tuple, share.tolist())])


def precision_recall(positive: NDArray[np.bool_], odds: NDArray[np.float64]) -> Points:
    """Return the precision-recall curve (Davis and Goadrich 2006).

    Takes which rows are positive and their probabilities, both (rows,).
    """
    true, false = counts(positive, odds)
    share = np.stack([true / max(1, positive.sum()), true / (true + false)], axis=1)
    return thinned([(0.0, float(share[0, 1])), *map(tuple, share.tolist())])


def calibration(evaluation: Evaluation) -> Points:
    """Return how often the model was right by how sure it was, in at most BINS groups of rows.

    A reliability diagram (DeGroot and Fienberg 1983) of the predicted classes.
    """
    sure = np.array(evaluation.probabilities, dtype=np.float64).max(axis=1)
    right = np.array(
        [a == b for a, b in zip(evaluation.truth, evaluation.predictions, strict=True)]
    )
    edges = np.unique(np.quantile(sure, np.linspace(0, 1, BINS + 1)[1:-1]))
    places = np.searchsorted(edges, sure, side="right")  # equal ones stay together
    parts = [places == place for place in np.unique(places)]
    return [(float(sure[part].mean()), float(right[part].mean())) for part in parts]


def thinned(points: list[tuple[float, ...]]) -> Points:
    """Return about MOST of the points, the last one among them."""
    step = -(-len(points) // MOST)
    kept = points[::step] if points[-1] in points[::step] else [*points[::step], points[-1]]
    return [(x, y) for x, y in kept]
