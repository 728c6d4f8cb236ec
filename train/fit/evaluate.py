"""Ask an estimator, and compute every metric of its task on the answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import KFold, StratifiedKFold

from contract.bundle import CrossValidation, Label
from contract.evaluation import scores
from contract.evaluation.evaluation import Evaluation
from contract.spec.model_toml import ModelSpec
from train.data.dataset import features
from train.data.split import Part
from train.fit import backend

Key = TypeVar("Key")


class Answers(NamedTuple):
    """Predictions (rows,) and, where the model has them, probabilities (rows, classes)."""

    predictions: NDArray[Any]
    probabilities: NDArray[np.float64] | None

    def in_order(self, rows: NDArray[np.int64]) -> Answers:
        """Return the answers at the positions `rows` (rows,)."""
        probabilities = self.probabilities
        return Answers(
            self.predictions[rows], None if probabilities is None else probabilities[rows]
        )


def answer(estimator: Any, X: pd.DataFrame) -> Answers:
    """Return the estimator's answers to the rows of `X` (rows, inputs)."""
    has_probabilities = hasattr(estimator, "predict_proba")
    return Answers(
        np.asarray(estimator.predict(X)),
        np.asarray(estimator.predict_proba(X), dtype=np.float64) if has_probabilities else None,
    )


def cross_validate(spec: ModelSpec, estimator: Any, train: Part) -> dict[str, CrossValidation]:
    """Score a fresh copy of the estimator on each fold of the training rows.

    Stratified k-fold for classes (Kohavi 1995), plain k-fold for numbers.
    A metric that does not exist in some fold is left out.
    """
    kind = StratifiedKFold if spec.task == "classification" else KFold
    folds = kind(spec.folds, shuffle=True, random_state=spec.seed).split(train.X, train.y)
    scored = []
    for learn, judge in folds:
        fitted = backend.fit(clone(estimator), train.X.iloc[learn], train.y[learn])
        scored.append(score(train.y[judge], answer(fitted, train.X.iloc[judge]), classes(fitted)))
    by_metric = {name: [fold[name] for fold in scored] for name in scored[0]}
    return {name: summarise(values) for name, values in existing(by_metric).items()}


def existing(scores: dict[Key, list[float]]) -> dict[Key, list[float]]:
    """Return the metrics that exist in every one of several scorings."""
    return {name: values for name, values in scores.items() if all(map(math.isfinite, values))}


def summarise(values: list[float]) -> CrossValidation:
    """Return the mean and the standard deviation over the folds."""
    return CrossValidation(mean=float(np.mean(values)), std=float(np.std(values)))


def classes(fitted: Any) -> list[int | str] | None:
    """Return the classes of a fitted classifier, as its probabilities go; None of a regressor."""
    known = getattr(fitted, "classes_", None)
    return None if known is None else list(known.tolist())


def score(
    truth: NDArray[Any], answers: Answers, classes: Sequence[Label] | None
) -> dict[str, float]:
    """Return every metric of the answers, given the truth (rows,); NaN where it does not exist."""
    probabilities = answers.probabilities
    answered = Evaluation(
        rows=[],
        features=[],
        truth=truth.tolist(),
        predictions=answers.predictions.tolist(),
        probabilities=None if probabilities is None else probabilities.tolist(),
    )
    return scores.score(answered, classes)


def evaluation(holdout: Part, answers: Answers) -> Evaluation:
    """Return the holdout rows with their truth and the answers to them."""
    return Evaluation(
        rows=holdout.ids.tolist(),
        features=features(holdout.X),
        truth=holdout.y.tolist(),
        predictions=answers.predictions.tolist(),
        probabilities=None if answers.probabilities is None else answers.probabilities.tolist(),
        others=holdout.others,
    )
