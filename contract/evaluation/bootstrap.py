"""Bootstrap: resample the holdout rows to see how far chance alone moves a metric (Efron 1979).

Of more rows than BAG, those of a bag stand for the others, so that a resample costs no more than of
so many rows: a bag of little bootstraps (Kleiner et al. 2014) with a single bag.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from contract.bundle import Label, Outcome
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.own_metrics import RESAMPLES
from contract.evaluation.scores import Numbers, Scores, score, scorer
from contract.evaluation.segments import subset

SEED = 0  # any fixed number: equal answers must give equal intervals
MOST, FEWEST = 4_000, 400  # resamples: tails need thousands, which take too long for a million rows
WORK = 10_000_000  # rows drawn in all resamples, which takes a second or two
AT_ONCE = 1_000_000  # drawn rows in memory
BAG = 50_000  # rows, from which the width of the interval of a share of a tenth is known to 1 %
CONFIDENCE = 0.95


def count(rows: int) -> int:
    """Return how many resamples of so many rows are drawn."""
    return max(FEWEST, min(MOST, WORK // max(rows, 1)))


def weights(rows: int) -> Iterator[NDArray[np.int64]]:
    """Yield resamples (resamples, rows) in batches: how often each row is drawn.

    Rows are not drawn within classes, although the split was stratified: a class that is answered
    wrongly throughout would look certain.
    """
    random = np.random.default_rng(SEED)
    total, batch = count(rows), max(1, AT_ONCE // max(rows, 1))
    for start in range(0, total, batch):
        size = min(batch, total - start)
        picks = random.integers(0, rows, (size, rows)) + np.arange(size)[:, None] * rows
        yield np.bincount(picks.ravel(), minlength=size * rows).reshape(size, rows)


def bootstrap(
    evaluations: Sequence[Evaluation], classes: Sequence[Label] | None
) -> list[dict[str, Numbers]]:
    """Score every model of `evaluations`, which answer the same rows, on the same resamples.

    Returns for each model its metrics, each an array (resamples,). There are fewer resamples of the
    model's own metrics: the first ones.
    """
    return [
        drawn | {name: own[1:] for name, own in whole.own_scores(classes, RESAMPLES).items()}
        for drawn, whole in zip(bagged(evaluations, classes), evaluations, strict=True)
    ]


def bagged(
    evaluations: Sequence[Evaluation], classes: Sequence[Label] | None
) -> list[dict[str, Numbers]]:
    """Return for each model its metrics, but for its own, each an array (resamples,)."""
    truth = evaluations[0].truth
    if len(truth) <= BAG:
        return resampled(evaluations, classes, weights(len(truth)))
    chosen, stands_for = bag(truth, is_class=classes is not None)
    bags = [subset(replace(whole, columns={}, others={}), chosen) for whole in evaluations]
    drawn = resampled(bags, classes, bag_weights(stands_for))
    return [
        {name: moved(values, exact[name]) for name, values in of_bag.items()}
        for of_bag, exact in zip(drawn, (score(e, classes) for e in evaluations), strict=True)
    ]


def moved(values: Numbers, mean: float) -> Numbers:
    """Return values (resamples,) around another mean; NaN stays so."""
    present = values[~np.isnan(values)]
    return values - (present.mean() if len(present) else 0) + mean


def resampled(
    evaluations: Sequence[Evaluation],
    classes: Sequence[Label] | None,
    batches: Iterator[NDArray[np.int64]],
) -> list[dict[str, Numbers]]:
    """Return for each model its metrics of resamples, which `batches` has as `weights` yields them.

    Each metric is an array (resamples,).
    """
    scorers = [scorer(evaluation, classes) for evaluation in evaluations]
    scores: list[list[Scores]] = [[] for _ in evaluations]
    for drawn in batches:
        for score_resamples, scored in zip(scorers, scores, strict=True):
            scored.append(score_resamples(drawn))
    return [
        {name: np.concatenate([batch[name] for batch in scored]) for name in scored[0]}
        for scored in scores
    ]


def bag(truth: Sequence[Outcome], *, is_class: bool) -> tuple[list[int], Numbers]:
    """Return the positions of BAG rows or fewer, and how many rows (bag,) each stands for.

    Of each class as many as of any other, or all: of a rare one, the few rows are what matters.
    """
    random = np.random.default_rng(SEED)
    labels = np.array([*map(str, truth)]) if is_class else np.zeros(len(truth))
    _, kinds, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    strata = np.split(np.argsort(kinds, kind="stable"), np.cumsum(sizes)[:-1])
    chosen = [random.permutation(rows)[: BAG // len(strata) or 1] for rows in strata]
    taken = np.array(list(map(len, chosen)))
    return np.concatenate(chosen).tolist(), np.repeat(sizes / taken, taken)


def bag_weights(stands_for: Numbers) -> Iterator[NDArray[np.int64]]:
    """Yield resamples (resamples, bag) in batches: how often the rows of each one are drawn.

    By Poisson's distribution, which each row's count has where there are many of them.
    """
    random = np.random.default_rng(SEED)
    total, batch = count(len(stands_for)), max(1, AT_ONCE // len(stands_for))
    for start in range(0, total, batch):
        yield random.poisson(stands_for, (min(batch, total - start), len(stands_for)))


def interval(values: Numbers, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the percentile interval that holds the middle `confidence` of the values (resamples,).

    NaN is left out: it marks a resample in which the metric does not exist.
    """
    present = values[~np.isnan(values)]
    tail = (1 - confidence) / 2
    low, high = np.quantile(present, [tail, 1 - tail]) if len(present) else (np.nan, np.nan)
    return float(low), float(high)


def intervals(
    evaluation: Evaluation, classes: Sequence[Label] | None
) -> dict[str, tuple[float, float]]:
    """Return the interval of each metric of one model."""
    (scored,) = bootstrap([evaluation], classes)
    return {name: interval(values) for name, values in scored.items()}
