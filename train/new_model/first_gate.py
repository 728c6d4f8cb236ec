"""A first gate for a new model: between guessing and the score of its first estimator."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import msgspec
from sklearn.dummy import DummyClassifier, DummyRegressor

from contract.errors import ModelError
from contract.spec.model_toml import ModelSpec
from train.data.split import Part
from train.fit import cross_validation, evaluate
from train.log import Log

DROP = 0.02  # how far below the published model, beyond chance, a person should look
FOLDS = 3  # of the score that the bound follows from; training makes all that model.toml asks for
SHARE = 0.8  # of the way from guessing to the estimator: chance stays above, a broken model below


class FirstGate(NamedTuple):
    """The metric to bound, its bound, and the scores from which that follows."""

    metric: str
    bound: float
    guessing: float
    reached: float

    @property
    def line(self) -> str:
        """The line of model.toml, with its reason."""
        gate = f"{self.metric} = {{ min = {self.bound:g}, drop = {DROP:g} }}"
        if self.reached <= self.guessing:
            return f"{gate}  # no better than guessing, {self.guessing:.2f}: improve build()"
        return f"{gate}  # guessing gives {self.guessing:.2f}, build() gave {self.reached:.2f}"


def measure(spec: ModelSpec, estimator: Any, train: Part, holdout: Part, log: Log) -> FirstGate:
    """Score the estimator and a dummy; return a bound that this very estimator passes."""
    metric = "balanced_accuracy" if spec.task == "classification" else "r2"
    guess = DummyClassifier() if spec.task == "classification" else DummyRegressor()
    few = msgspec.structs.replace(spec, folds=min(spec.folds, FOLDS))
    with log.during("fit"):
        guessing = worst(few, guess, train, holdout, metric)
        reached = worst(few, estimator, train, holdout, metric)
    log("fit", f"{metric} {reached:.2f}; guessing gives {guessing:.2f}")
    aim = guessing + SHARE * (reached - guessing) if reached > guessing else reached
    return FirstGate(metric, round_down(aim), guessing, reached)


def worst(spec: ModelSpec, estimator: Any, train: Part, holdout: Part, metric: str) -> float:
    """Return the lower of the cross-validated and the holdout score.

    Raises ModelError where one of them does not exist: the target hardly varies.
    """
    folds = cross_validation.cross_validate(spec, estimator, train)
    fitted = estimator.fit(train.X, train.y)
    answers = evaluate.answer(fitted, holdout.X)
    held_out = evaluate.score(holdout, answers, evaluate.classes(spec, fitted))
    if metric not in folds or math.isnan(held_out[metric]):
        where = f"{spec.data.source}: column {spec.target!r}"
        expected = "of several values in every fold and among the held-out rows"
        raise ModelError(where, expected, "the same value", "Add rows, or choose another target.")
    return min(folds[metric].mean, held_out[metric])


def round_down(value: float) -> float:
    """Return the value rounded down to two decimals."""
    return math.floor(value * 100) / 100
