"""Compare two models by their means over random seeds.

Training also scores fits that differ only in their seed. How far a fit's score lies from the mean
over its seeds is luck. A drop that vanishes without that luck says nothing about the estimator.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from contract.bundle import Bundle, SeedScores, Where

CONFIDENCE = 0.99  # two-sided: a model that is worse by luck alone passes in 199 of 200 cases


class Seeds(NamedTuple):
    """The scores of both models over their seeds."""

    new: Sequence[SeedScores]
    old: Sequence[SeedScores]

    def averaged(
        self, metric: str, where: Where | None, difference: float
    ) -> tuple[float, float, float] | None:
        """Return the difference of the means over seeds and the ends of its interval.

        None where no seed plays a part.
        """
        sides = [
            (sign, Spread.of(seeds.scores))
            for sign, model in ((1, self.new), (-1, self.old))
            for seeds in model
            if (seeds.metric, seeds.where) == (metric, where)
        ]
        if not sides:
            return None
        mean = difference - sum(sign * model.luck for sign, model in sides)
        reach = half_width([model for _, model in sides])
        return mean, mean - reach, mean + reach


class Spread(NamedTuple):
    """One model's scores over seeds: the luck of its fit, the variance of their mean, how many."""

    luck: float
    variance: float
    fits: int

    @classmethod
    def of(cls, scores: Sequence[float]) -> Spread:
        """Return the luck, variance and number of one model's scores."""
        values = np.array(scores, dtype=np.float64)
        variance = float(values.var(ddof=1)) / len(values)
        return cls(float(values[0] - values.mean()), variance, len(values))


def half_width(models: Sequence[Spread]) -> float:
    """Return half the width of the interval of a difference of means (Welch 1947)."""
    total = sum(model.variance for model in models)
    if total == 0:
        return 0.0
    from scipy import stats  # noqa: PLC0415 - takes a second, and equal fits have no width

    freedom = total**2 / sum(model.variance**2 / (model.fits - 1) for model in models)
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * math.sqrt(total))


def seeds(new: Bundle, old: Bundle | None) -> Seeds:
    """Return the scores of both models over their seeds."""
    ours = new.manifest.metrics.seed_scores
    return Seeds(ours, old.manifest.metrics.seed_scores if old else [])
