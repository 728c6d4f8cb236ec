"""Bootstrap: resample the holdout rows to see how far chance alone moves a metric (Efron 1979)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Label
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.scores import Numbers, Scores, scorer

SEED = 0  # any fixed number: equal answers must give equal intervals
MOST, FEWEST = 4_000, 400  # resamples: tails need thousands, which take too long for a million rows
WORK = 10_000_000  # rows drawn in all resamples, which takes a second or two
AT_ONCE = 1_000_000  # drawn rows in memory
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

    Returns for each model its metrics, each an array (resamples,).
    """
    scorers = [scorer(evaluation, classes) for evaluation in evaluations]
    batches: list[list[Scores]] = [[] for _ in evaluations]
    for drawn in weights(len(evaluations[0].truth)):
        for score_resamples, scored in zip(scorers, batches, strict=True):
            scored.append(score_resamples(drawn))
    return [
        {name: np.concatenate([batch[name] for batch in scored]) for name in scored[0]}
        for scored in batches
    ]


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
