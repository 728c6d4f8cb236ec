"""How two models' answers to the same rows compare, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from contract.bundle import Label
from contract.evaluation.bootstrap import CONFIDENCE, bootstrap, interval
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.metrics import METRICS
from contract.evaluation.scores import Numbers, score
from judge.comparison.permutation_test import permutation
from judge.report import Direction, Score

BOOTSTRAP, MCNEMAR, PERMUTATION = "paired bootstrap", "McNemar, exact", "paired permutation"
SMALLEST = 1e-9  # differences below are the rounding of a sum
Interval = tuple[float, float, float]  # a value between its ends
Averaged = Callable[[str, float], Interval | None]


def without_seeds(_name: str, _difference: float) -> None:
    """Tell of two models that no random seed plays a part in."""


def compare(
    new: Evaluation,
    old: Evaluation | None,
    classes: Sequence[Label] | None,
    confidence: float = CONFIDENCE,
    averaged: Averaged = without_seeds,
) -> list[Score]:
    """Score the new model, and hold it against the old one where there is one.

    `confidence` is that of each difference; the interval of a single model has the usual one.
    `averaged` tells what is left of a difference without the luck of the seeds, and its interval.
    """
    values = score(new, classes)
    if old is None:
        (drawn,) = bootstrap([new], classes)
        return [alone(name, value, drawn[name]) for name, value in values.items()]
    before = score(old, classes)
    drawn, drawn_before = bootstrap([new, old], classes)
    chances = {} if classes is None else permutation(new, old, classes)
    found = []
    for name, value in values.items():
        each = alone(name, value, drawn[name])
        if name in before:
            between = interval(drawn[name] - drawn_before[name], confidence)
            against(each, before[name], between, chances.get(name), 1 - confidence)
            direct(each, averaged(name, value - before[name]))
        found.append(each)
    return found


def alone(name: str, value: float, drawn: Numbers) -> Score:
    low, high = interval(drawn)
    higher = METRICS[name].bound == "min"
    return Score(
        metric=name, higher_is_better=higher, whole=value, new=value, new_low=low, new_high=high
    )


def against(
    found: Score, old: float, between: tuple[float, float], p: float | None, alpha: float
) -> None:
    """Add the old value and what may be said about the difference."""
    found.old, found.difference = old, found.new - old
    found.low, found.high = between
    found.p = p
    if p is None:
        found.test = BOOTSTRAP
        certain = found.low > 0 or found.high < 0
    else:
        found.test = MCNEMAR if found.metric == "accuracy" else PERMUTATION
        certain = p <= alpha
    found.certain = certain and abs(found.difference) > SMALLEST


def direct(found: Score, averaged: Interval | None) -> None:
    """Say which way the metric went, if that is beyond the chance of both rows and seeds."""
    difference = found.difference or 0.0
    if averaged:
        found.averaged, found.averaged_low, found.averaged_high = averaged
    low, high = averaged[1:] if averaged else (difference, difference)
    rises = difference > 0
    if found.certain and (low > 0 if rises else high < 0):
        found.direction = "better" if rises == found.higher_is_better else "worse"
    else:
        found.direction = "same"


def fallen(found: Score) -> float:
    """Return by how much the metric is worse than the old one's; below zero where it is better."""
    difference = found.difference or 0.0
    return -difference if found.higher_is_better else difference


def arrow(direction: Direction | None) -> str:
    return {"better": "▲", "worse": "▼", "same": "=", "unknown": "?", None: ""}[direction]


def reading(direction: Direction | None) -> str:
    """Return a direction as a person reads it."""
    words = {"same": "within chance", "unknown": "not judged"}
    return f"{arrow(direction)} {words.get(direction, direction)}" if direction else ""
