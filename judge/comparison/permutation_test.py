"""Could two models' labels have come from one? Swap their answers at random, row by row.

A metric of labels moves in steps of a row, which a bootstrap of few rows takes too lightly. For
accuracy the swaps can be counted instead of drawn: that is McNemar's exact test.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Label
from contract.evaluation.bootstrap import SEED
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.scores import Scores, label_scores, one_hot

SWAPS = 10_000


def permutation(new: Evaluation, old: Evaluation, classes: Sequence[Label]) -> dict[str, float]:
    """Return the two-sided p of the difference of each metric of labels."""
    everything = (new.truth, new.predictions, old.predictions)
    labels = list(dict.fromkeys([*classes, *(label for column in everything for label in column)]))
    actual, after, before = (one_hot(column, labels) for column in everything)
    differ = np.flatnonzero((after != before).any(axis=1))
    swaps = np.random.default_rng(SEED).integers(0, 2, (SWAPS, len(differ)))
    swaps[0] = 0  # the answers as they are count as one of the swaps
    moved = swaps @ (before - after)[differ]
    hits = swaps @ ((before - after) * actual)[differ]
    truth = np.broadcast_to(actual.sum(axis=0), moved.shape)
    ones = label_scores((after * actual).sum(axis=0) + hits, truth, after.sum(axis=0) + moved)
    others = label_scores((before * actual).sum(axis=0) - hits, truth, before.sum(axis=0) - moved)
    return {**drawn(ones, others), "accuracy": mcnemar(*discordant(new, old))}


def drawn(ones: Scores, others: Scores) -> dict[str, float]:
    """Return how often a swap moves the metrics as far apart as they are."""
    result = {}
    for name, values in ones.items():
        distances = np.abs(values - others[name])
        result[name] = float(np.mean(distances >= distances[0] - 1e-12))
    return result


def discordant(new: Evaluation, old: Evaluation) -> tuple[int, int]:
    """Count the rows that only the new model has right, and those that only the old one has."""
    right: NDArray[np.bool_] = np.array(
        [[a == truth, b == truth] for truth, a, b in zip(new.truth, new.predictions,
                                                         old.predictions, strict=True)]
    )  # fmt: skip
    return int((right[:, 0] & ~right[:, 1]).sum()), int((~right[:, 0] & right[:, 1]).sum())


def mcnemar(gained: int, lost: int) -> float:
    """Return the two-sided p of a fair coin falling as unevenly."""
    flips = gained + lost
    tail = sum(comb(flips, heads) for heads in range(min(gained, lost) + 1))
    return float(min(1.0, 2 * tail / 2.0**flips))


def smallest_drop(rows: int, alpha: float) -> float:
    """Return the least drop of accuracy that so many rows can tell from chance."""
    flips = next(flips for flips in range(1, 64) if mcnemar(0, flips) <= alpha)
    return min(1.0, flips / rows)
