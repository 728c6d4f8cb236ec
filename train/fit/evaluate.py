"""Ask an estimator, and compute every metric of its task on the answers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import metrics
from sklearn.base import clone
from sklearn.model_selection import KFold, StratifiedKFold

from contract.bundle import CrossValidation
from contract.evaluation.evaluation import Evaluation
from contract.spec.model_toml import ModelSpec
from train.data.dataset import features
from train.data.split import Part
from train.fit import backend


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
    """
    kind = StratifiedKFold if spec.task == "classification" else KFold
    folds = kind(spec.folds, shuffle=True, random_state=spec.seed).split(train.X, train.y)
    scores = []
    for learn, judge in folds:
        fitted = backend.fit(clone(estimator), train.X.iloc[learn], train.y[learn])
        scores.append(score(train.y[judge], answer(fitted, train.X.iloc[judge]), classes(fitted)))
    return {name: summarise([fold[name] for fold in scores]) for name in scores[0]}


def summarise(values: list[float]) -> CrossValidation:
    """Return the mean and the standard deviation over the folds."""
    return CrossValidation(mean=float(np.mean(values)), std=float(np.std(values)))


def classes(fitted: Any) -> NDArray[Any] | None:
    """Return the labels (classes,) in the order of the probabilities, None for a regressor."""
    return getattr(fitted, "classes_", None)


def score(truth: NDArray[Any], answers: Answers, labels: NDArray[Any] | None) -> dict[str, float]:
    """Return every metric that these answers have.

    `truth` has the shape (rows,); `labels` (classes,) is None for a regressor.
    """
    if labels is None:
        return score_numbers(truth, answers.predictions)
    result = score_labels(truth, answers.predictions)
    if answers.probabilities is not None:
        result |= score_probabilities(truth, answers.probabilities, labels)
    return result


def score_numbers(truth: NDArray[Any], predictions: NDArray[Any]) -> dict[str, float]:
    """Return the metrics of a regressor; both arrays have the shape (rows,)."""
    return {
        "r2": float(metrics.r2_score(truth, predictions)),
        "rmse": float(metrics.root_mean_squared_error(truth, predictions)),
        "mae": float(metrics.mean_absolute_error(truth, predictions)),
        "median_absolute_error": float(metrics.median_absolute_error(truth, predictions)),
    }


def score_labels(truth: NDArray[Any], predictions: NDArray[Any]) -> dict[str, float]:
    """Return the metrics of a classifier's labels; both arrays have the shape (rows,)."""
    return {
        "accuracy": float(metrics.accuracy_score(truth, predictions)),
        "balanced_accuracy": float(metrics.balanced_accuracy_score(truth, predictions)),
        "f1_macro": float(metrics.f1_score(truth, predictions, average="macro")),
    }


def score_probabilities(
    truth: NDArray[Any], probabilities: NDArray[np.float64], labels: NDArray[Any]
) -> dict[str, float]:
    """Return the metrics of probabilities (rows, classes).

    `truth` has the shape (rows,) and `labels`, in the order of the columns, (classes,).
    """
    scores = probabilities[:, 1] if len(labels) == 2 else probabilities
    area = metrics.roc_auc_score(truth, scores, multi_class="ovr", labels=labels)
    loss = metrics.log_loss(truth, probabilities, labels=labels)
    return {"roc_auc": float(area), "log_loss": float(loss)}


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
