"""Compare two models' answers to the same rows, and say whether the difference exceeds chance."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from contract.bundle import Label
from contract.evaluation.bootstrap import CONFIDENCE, bootstrap, interval
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.metrics import metric
from contract.evaluation.scores import Numbers, score
from judge.comparison.permutation_test import permutation
from judge.report import SMALLEST, Score

BOOTSTRAP, MCNEMAR, PERMUTATION = "paired bootstrap", "McNemar, exact", "paired permutation"
Interval = tuple[float, float, float]  # a value between its ends
Averaged = Callable[[str, float], Interval | None]


def without_seeds(_name: str, _difference: float) -> None:
    """Return None, for two models without random seeds."""


def compare(
    new: Evaluation,
    old: Evaluation | None,
    classes: Sequence[Label] | None,
    confidence: float = CONFIDENCE,
    averaged: Averaged = without_seeds,
) -> list[Score]:
    """Score the new model and, where there is an old one, compare it.

    Differences of labels are judged by `permutation`, others by a paired bootstrap (Efron 1979).
    `confidence` is that of each difference; the interval of a single model has the usual one.
    `averaged` returns the difference of the means over random seeds, and its interval.
    """
    values = score(new, classes)
    if old is None:
        (drawn,) = bootstrap([new], classes)
        return [
            score_one(n, value, drawn[n], higher=is_higher(n, new)) for n, value in values.items()
        ]
    before = score(old, classes)
    drawn, drawn_before = bootstrap([new, old], classes)
    chances = {} if classes is None else permutation(new, old, classes)
    result = []
    for name, value in values.items():
        compared = score_one(name, value, drawn[name], higher=is_higher(name, new))
        if name in before:
            between = interval(drawn[name] - drawn_before[name], confidence)
            add_difference(compared, before[name], between, chances.get(name), 1 - confidence)
            if compared.p is not None:
                exact = name == "accuracy" and new.weights is None
                compared.test = MCNEMAR if exact else PERMUTATION
            set_direction(compared, averaged(name, value - before[name]))
        result.append(compared)
    return result


def is_higher(name: str, answered: Evaluation) -> bool:
    """Return whether higher is better of a metric, which may be one of the model's own."""
    own = answered.own.bounds if answered.own else {}
    return (own.get(name) or metric(name).bound) == "min"


def score_one(name: str, value: float, drawn: Numbers, *, higher: bool) -> Score:
    """Return the score of a single model, with the interval of its resamples (resamples,)."""
    low, high = interval(drawn)
    return Score(
        metric=name, higher_is_better=higher, whole=value, new=value, new_low=low, new_high=high
    )


def add_difference(
    compared: Score, old: float, between: tuple[float, float], p: float | None, alpha: float
) -> None:
    """Add the old value, the difference and its test to a score."""
    compared.old, compared.difference = old, compared.new - old
    compared.low, compared.high = between
    compared.p, compared.test = p, BOOTSTRAP
    certain = compared.low > 0 or compared.high < 0 if p is None else p <= alpha
    compared.certain = certain and abs(compared.difference) > SMALLEST


def set_direction(compared: Score, averaged: Interval | None) -> None:
    """Set the direction of a score: better or worse beyond the chance of both rows and seeds."""
    difference = compared.difference or 0.0
    if averaged:
        compared.averaged, compared.averaged_low, compared.averaged_high = averaged
    low, high = averaged[1:] if averaged else (difference, difference)
    rises = difference > 0
    if compared.certain and (low > 0 if rises else high < 0):
        compared.direction = "better" if rises == compared.higher_is_better else "worse"
    else:
        compared.direction = "same"
