"""Warn of what no rule forbids but a careful colleague would ask about."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from math import inf

import numpy as np

from contract.bundle import Bundle, Check, Label, Value
from contract.evaluation.evaluation import Evaluation, by_target
from contract.evaluation.metrics import parts
from contract.evaluation.segments import is_numeric
from judge.report import NOT_MEASURED, Drift, Score

PERFECT = {"accuracy": 1.0, "r2": 0.9999}
CORRELATED = 0.9999
NEARLY_ZERO = 0.01  # times the median size of the truth


def warnings(
    new: Bundle, old: Bundle | None, fresh: Evaluation, scores: list[Score], moved: list[Drift]
) -> list[str]:
    """Return each concern as a sentence."""
    concerns = [NOT_MEASURED] if new.manifest.evaluation == "claimed" else []
    if old and old.manifest.evaluation == "claimed":
        concerns.append(
            "What the published model answers is a claim: its own data was not at hand."
        )
    concerns += perfect(fresh, scores) + relative(fresh)
    if old:
        concerns += loosened(new.manifest.gate.checks, old.manifest.gate.checks)
    shifted = [drift.feature for drift in moved if drift.shifted]
    if shifted:
        concerns.append(
            f"The data shifted since the published model in {', '.join(shifted)}: check that the "
            "data is right before blaming or praising the model."
        )
    return concerns


def unlucky(scores: list[Score], drops: Mapping[str, float]) -> list[str]:
    """Return a warning for each drop that the gate accepts only because other seeds lack it."""
    concerns = []
    for score in scores:
        is_luck = score.certain and score.direction == "same"
        if is_luck and score.drop > drops.get(score.metric, inf):
            concerns.append(
                f"{score.metric} is {score.drop:.3g} worse, beyond the chance of the rows, but not "
                "when averaged over random seeds: this fit was unlucky, and another seed may do "
                "better."
            )
    return concerns


def relative(fresh: Evaluation) -> list[str]:
    """Return a warning where the gate takes errors relative to a truth that is nearly zero."""
    if "mape" not in {parts(name)[0] for name in fresh.metrics}:
        return []
    sizes = np.abs(np.array(by_target(fresh.truth), dtype=np.float64))
    nearly = sizes <= NEARLY_ZERO * np.median(sizes, axis=1, keepdims=True)
    tiny, rows = int(nearly.any(axis=0).sum()), sizes.shape[1]
    if not tiny:
        return []
    concern = (
        f"mape divides by the truth, which is nearly zero in {tiny} of {rows} held-out rows: "
        "they alone may decide it. Bound mae or median_absolute_error instead."
    )
    return [concern]


def perfect(fresh: Evaluation, scores: list[Score]) -> list[str]:
    """Return a warning for a perfect score on held-out rows, which is often a leak."""
    for score in scores:
        if score.new >= PERFECT.get(score.metric, inf):
            culprits = [name for name in fresh.columns if tells(fresh, name)]
            hint = f" {' and '.join(culprits)} alone tells the target." if culprits else ""
            concern = (
                f"A perfect held-out {score.metric} ({score.new:.4g}) is more often a leak of the "
                f"label than a triumph: is every input known before the target is?{hint}"
            )
            return [concern]
    return []


def tells(fresh: Evaluation, feature: str) -> bool:
    """Return whether one input alone gives a target."""
    return any(gives(fresh.column(feature), truth) for truth in by_target(fresh.truth))


def gives(values: Sequence[Value], truth: Sequence[Label]) -> bool:
    """Return whether the values (rows,) of an input alone give a target (rows,)."""
    numeric = is_numeric(values)
    if isinstance(truth[0], float):
        return numeric and is_line(values, truth)
    groups: dict[Label, list[Value]] = {}
    for value, label in zip(values, truth, strict=True):
        groups.setdefault(label, []).append(value)
    return apart(groups) if numeric else names(groups, len(truth))


def is_line(values: Sequence[Value], truth: Sequence[Label]) -> bool:
    """Return whether numbers follow the truth on a straight line, up or down."""
    x = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    present = ~np.isnan(x)
    if np.std(x[present]) == 0:
        return False
    y = np.array(truth, dtype=np.float64)[present]
    return bool(abs(np.corrcoef(x[present], y)[0, 1]) > CORRELATED)


def apart(groups: dict[Label, list[Value]]) -> bool:
    """Return whether the classes' ranges of a number do not overlap."""
    ranges = []
    for values in groups.values():
        present = [value for value in values if isinstance(value, int | float)]
        if not present:
            return False
        ranges.append((min(present), max(present)))
    ranges.sort()
    return all(end < start for (_, end), (start, _) in itertools.pairwise(ranges))


def names(groups: dict[Label, list[Value]], rows: int) -> bool:
    """Return whether each category occurs in one class only; identifiers of rows do not count."""
    categories = [set(values) for values in groups.values()]
    return sum(map(len, categories)) == len(set().union(*categories)) <= rows / 2


def loosened(new: list[Check], old: list[Check]) -> list[str]:
    """Return a warning for each absolute threshold that is easier than the published model's."""
    concerns = []
    now = {check.metric: check for check in new}
    for check in old:
        mine = now.get(check.metric)
        if mine is None:
            concerns.append(
                f"The gate no longer bounds {check.metric} (it was {check.threshold:g})."
            )
        elif mine.threshold != check.threshold:
            easier = (mine.threshold < check.threshold) == (check.bound == "min")
            if easier:
                concerns.append(
                    f"The gate on {check.metric} was loosened from {check.threshold:g} to "
                    f"{mine.threshold:g}."
                )
    return concerns
