"""What is left of a difference when neither model is given the luck of its random seed.

Training scores each model with other seeds too. How far the fit itself lies from the mean of them
all is its luck; a drop that disappears without it says nothing about the estimator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from contract.bundle import Bundle

CONFIDENCE = 0.99  # two-sided: what is worse by luck alone passes in 199 of 200 pairs


class Seeds(NamedTuple):
    """The scores of both models by metric: of the fit itself, then with other seeds."""

    new: Mapping[str, Sequence[float]]
    old: Mapping[str, Sequence[float]]

    def averaged(self, name: str, difference: float) -> tuple[float, float, float] | None:
        """Return the difference without luck and its interval; None where no seed plays a part."""
        sides = [
            (sign, Part.of(scores[name]))
            for sign, scores in ((1, self.new), (-1, self.old))
            if name in scores
        ]
        if not sides:
            return None
        mean = difference - sum(sign * part.luck for sign, part in sides)
        reach = half_width([part for _, part in sides])
        return mean, mean - reach, mean + reach


class Part(NamedTuple):
    """One model's scores over seeds: the luck of its fit, the variance of their mean, how many."""

    luck: float
    variance: float
    fits: int

    @classmethod
    def of(cls, scores: Sequence[float]) -> Part:
        values = np.array(scores, dtype=np.float64)
        variance = float(values.var(ddof=1)) / len(values)
        return cls(float(values[0] - values.mean()), variance, len(values))


def half_width(parts: Sequence[Part]) -> float:
    """Return half of the interval of the difference of the means (Welch 1947)."""
    total = sum(part.variance for part in parts)
    if total == 0:
        return 0.0
    freedom = total**2 / sum(part.variance**2 / (part.fits - 1) for part in parts)
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * math.sqrt(total))


def seeds(new: Bundle, old: Bundle | None) -> Seeds:
    ours = new.manifest.metrics.seed_scores
    return Seeds(ours, old.manifest.metrics.seed_scores if old else {})
