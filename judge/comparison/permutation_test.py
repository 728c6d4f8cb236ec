"""Test whether two models' labels differ by more than chance, by swapping their answers at random.

A metric of labels changes in steps of whole rows, which makes the intervals of a bootstrap of few
rows too narrow. For accuracy the swaps need not be drawn: that is McNemar's exact test.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Label
from contract.evaluation.bootstrap import SEED
from contract.evaluation.evaluation import Evaluation, by_target
from contract.evaluation.scores import LabelScores, Numbers, Scores, one_hot, row_weights
from contract.evaluation.several_targets import ASKED_OF_LABELS, LABEL, averaged_labels

SWAPS = 10_000
AT_ONCE = 1_000_000  # swapped rows in memory
ROUNDING = 1e-12  # of a metric, which is a sum of shares


def permutation(new: Evaluation, old: Evaluation, classes: Sequence[Label]) -> dict[str, float]:
    """Return the two-sided p of the difference of each metric of labels.

    A paired permutation test (Fisher 1935): of each row that the models answer differently, a coin
    decides which of them gets which answer. The first draw swaps none and is counted, so that no p
    is 0 (Phipson and Smyth 2010). Where all rows count the same, the accuracy's p is that of
    `mcnemar`.
    """
    answers = (new.truth, new.predictions, old.predictions)
    if new.targets:
        score: LabelTargets | LabelScores = LabelTargets(new.targets, new.metrics)
        actual, after, before = (
            np.hstack([one_hot(values, LABEL) for values in by_target(column)])
            for column in answers
        )
    else:
        single = [cast("list[Label]", column) for column in answers]
        labels = list(dict.fromkeys([*classes, *(label for column in single for label in column)]))
        score = LabelScores(labels, new.metrics)
        actual, after, before = (one_hot(column, labels) for column in single)
    differing = np.flatnonzero((after != before).any(axis=1))
    weights = row_weights(new)
    change = (before - after)[differing] * weights[differing, None]
    right = change * actual[differing]
    totals = [weights @ counts for counts in (actual, after, before)]
    hits = [weights @ (counts * actual) for counts in (after, before)]
    batches = [
        distances(score, totals, hits, (swapped @ change, swapped @ right))
        for swapped in swaps(len(differing))
    ]
    drawn = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    shares = {
        # A draw in which a metric does not exist counts as one that is as far apart.
        name: float(np.mean(~(values < values[0] - ROUNDING)))
        for name, values in drawn.items()
    }
    return shares if new.weights else {**shares, "accuracy": mcnemar(*discordant(new, old))}


class LabelTargets(NamedTuple):
    """The metrics of several labels, by counts of those that are false and true of each in turn."""

    targets: Sequence[str]
    names: Sequence[str]

    def __call__(self, hits: Numbers, actual: Numbers, predicted: Numbers) -> Scores:
        """Return each metric, an array (swaps,), of counts (swaps, labels * 2)."""
        counts = (hits, actual, predicted)
        own = {
            target: LabelScores(LABEL, ASKED_OF_LABELS)(
                *(both[:, 2 * n : 2 * n + 2] for both in counts)
            )
            for n, target in enumerate(self.targets)
        }
        return averaged_labels(own, self.names, *(both[:, 1::2] for both in counts))


def swaps(rows: int) -> Iterator[NDArray[np.int64]]:
    """Yield SWAPS draws of the rows to swap, in batches (swaps, rows); the first swaps none.

    The batches continue one stream of random numbers, so that their size changes nothing.
    """
    random = np.random.default_rng(SEED)
    batch = max(1, AT_ONCE // max(rows, 1))
    for start in range(0, SWAPS, batch):
        swapped = random.integers(0, 2, (min(batch, SWAPS - start), rows))
        if start == 0:
            swapped[0] = 0
        yield swapped


def distances(
    score: LabelTargets | LabelScores,
    totals: Sequence[Numbers],
    hits: Sequence[Numbers],
    moved: tuple[Numbers, Numbers],
) -> Scores:
    """Return how far each metric (swaps,) of the two models is apart after swaps.

    `totals` weigh by class (classes,) the rows that are true, and those that either model predicts;
    `hits` those of them that are right. `moved` (swaps, classes) are the rows, and the right ones,
    that the swaps give to the first model and take from the second.
    """
    (actual, after, before), (rows, right) = totals, moved
    actual = np.broadcast_to(actual, rows.shape)
    new_scores = score(hits[0] + right, actual, after + rows)
    old_scores = score(hits[1] - right, actual, before - rows)
    return {name: np.abs(values - old_scores[name]) for name, values in new_scores.items()}


def discordant(new: Evaluation, old: Evaluation) -> tuple[int, int]:
    """Count the rows that only the new model has right, and those that only the old one has."""
    right: NDArray[np.bool_] = np.array(
        [[a == truth, b == truth] for truth, a, b in zip(new.truth, new.predictions,
                                                         old.predictions, strict=True)]
    )  # fmt: skip
    return int((right[:, 0] & ~right[:, 1]).sum()), int((~right[:, 0] & right[:, 1]).sum())


def mcnemar(gained: int, lost: int) -> float:
    """Return the two-sided p-value of the rows that only the new or only the old model has right.

    McNemar (1947) in its exact form: the binomial test of a fair coin.
    """
    flips = gained + lost
    if not flips:
        return 1.0
    from scipy import stats  # noqa: PLC0415 - takes a second, and equal answers need no test

    return float(stats.binomtest(gained, flips).pvalue)


def smallest_drop(rows: int, alpha: float) -> float:
    """Return the least drop of accuracy that so many rows can tell from chance.

    That is the share of `flips` rows, all lost, whose p by `mcnemar` is 2 * 0.5 ** flips.
    """
    flips = math.ceil(1 - math.log2(alpha))
    return min(1.0, flips / rows)
