"""Compare the new holdout rows with those that the published model was judged on.

Of the latter only counts are kept, in bins whose edges are rounded: see
`contract.evaluation.distribution`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from contract.bundle import Bundle
from contract.evaluation.distribution import Distribution
from contract.evaluation.evaluation import Evaluation, by_target
from contract.evaluation.record import Record, distributions
from judge.report import Drift

ALPHA = 0.01  # shared among the columns (Bonferroni; Dunn 1961): false warnings are rare


class InputDistributions(NamedTuple):
    """The distribution of an input for the new model and, in the same bins, for the published."""

    feature: str
    new: Distribution
    old: Distribution | None


def input_distributions(
    new: Bundle, fresh: Evaluation, record: Record | None
) -> list[InputDistributions]:
    """Return the distributions of the new model's inputs, in the published model's bins."""
    old = record.columns if record else {}
    return [
        InputDistributions(
            name,
            old[name].count(fresh.columns[name]) if name in old else counts,
            old.get(name),
        )
        for name, counts in distributions(fresh, new.manifest).items()
    ]


def drift(new: Bundle, fresh: Evaluation, old: Bundle, record: Record | None) -> list[Drift]:
    """Compare each input that both have, and the target; nothing for equal data or no record."""
    if record is None or new.manifest.data.sha256 == old.manifest.data.sha256:
        return []
    pairs = [
        (column.feature, column.new, column.old)
        for column in input_distributions(new, fresh, record)
        if column.old
    ]
    kept = dict.fromkeys(new.manifest.targets, record.target) | record.targets
    for name, values in zip(new.manifest.targets, by_target(fresh.truth), strict=True):
        if then := kept[name]:
            truth = list(map(str, values)) if new.manifest.classes else list(values)
            pairs.append((name, then.count(truth), then))
    return [column_drift(*pair, ALPHA / len(pairs)) for pair in pairs]


def column_drift(feature: str, now: Distribution, then: Distribution, alpha: float) -> Drift:
    """Return the largest distance of the two distributions of a column, and its p-value."""
    numeric = then.edges is not None
    distance, p = (kolmogorov_smirnov if numeric else chi_squared)(now, then)
    return Drift(feature=feature, distance=distance, p=p, shifted=p < alpha)


def kolmogorov_smirnov(now: Distribution, then: Distribution) -> tuple[float, float]:
    """Return the distance and p-value of the two-sample Kolmogorov-Smirnov test (Smirnov 1939).

    Of bins, which makes it a little conservative. A missing value counts as the smallest number.
    """
    ours, theirs = (
        np.repeat(np.arange(len(side.counts) + 1), [side.missing, *side.counts])
        for side in (now, then)
    )
    from scipy import stats  # noqa: PLC0415 - takes a second, and equal data need no test

    result = stats.ks_2samp(ours, theirs)
    return float(result.statistic), float(result.pvalue)


def chi_squared(now: Distribution, then: Distribution) -> tuple[float, float]:
    """Return the distance of the shares of categories, and the p-value of a chi-squared test.

    The distance is the total variation distance, half the sum of the differences; the test is
    Pearson's (1900).
    """
    from scipy import stats  # noqa: PLC0415 - as above

    table = np.array([[side.missing, *side.counts] for side in (now, then)])
    table = table[:, table.any(axis=0)]
    if table.shape[1] < 2:
        return 0.0, 1.0
    shares = table / table.sum(axis=1, keepdims=True)
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    return distance, float(stats.chi2_contingency(table).pvalue)
