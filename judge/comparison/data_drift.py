"""Compare the new holdout rows with those that the published model was judged on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy import stats

from contract.bundle import Bundle, Value
from contract.evaluation.evaluation import read
from contract.evaluation.segments import is_numeric, name
from judge.report import Drift

ALPHA = 0.01  # shared among the columns (Bonferroni; Dunn 1961): false warnings are rare


def drift(new: Bundle, old: Bundle) -> list[Drift]:
    """Compare each column that both evaluations hold, and the target; nothing for equal data."""
    if new.manifest.data.sha256 == old.manifest.data.sha256:
        return []
    fresh, recorded = read(new.path), read(old.path)
    shared = [column for column in fresh.features[0] if column in recorded.features[0]]
    columns: list[tuple[str, Sequence[Value], Sequence[Value]]] = [
        (column, fresh.column(column), recorded.column(column)) for column in shared
    ]
    columns.append((new.manifest.target, list(fresh.truth), list(recorded.truth)))
    return [column_drift(*column, ALPHA / len(columns)) for column in columns]


def column_drift(feature: str, now: Sequence[Value], then: Sequence[Value], alpha: float) -> Drift:
    """Return the largest distance of the two distributions of a column, and its p-value."""
    distance, p = (kolmogorov_smirnov if is_numeric([*now, *then]) else chi_squared)(now, then)
    return Drift(feature=feature, distance=distance, p=p, shifted=p < alpha)


def kolmogorov_smirnov(now: Sequence[Value], then: Sequence[Value]) -> tuple[float, float]:
    """Return the distance and p-value of the two-sample Kolmogorov-Smirnov test (Smirnov 1939).

    A missing value counts as the smallest number.
    """
    ours, theirs = (
        np.array([-np.inf if value is None else value for value in side], dtype=np.float64)
        for side in (now, then)
    )
    result = stats.ks_2samp(ours, theirs)
    return float(result.statistic), float(result.pvalue)


def chi_squared(now: Sequence[Value], then: Sequence[Value]) -> tuple[float, float]:
    """Return the distance of the shares of categories, and the p-value of a chi-squared test.

    The distance is the total variation distance, half the sum of the differences; the test is
    Pearson's (1900).
    """
    counts = [Counter(map(name, side)) for side in (now, then)]
    labels = sorted(counts[0] | counts[1])
    table = np.array([[count[label] for label in labels] for count in counts])
    if len(labels) < 2:
        return 0.0, 1.0
    shares = table / table.sum(axis=1, keepdims=True)
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    return distance, float(stats.chi2_contingency(table).pvalue)
