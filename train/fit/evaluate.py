"""Ask an estimator, and compute every metric of its task on the answers, without scikit-learn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd
from msgspec.structs import replace
from numpy.typing import NDArray

from contract.bundle import Label
from contract.evaluation import scores
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.own_metrics import OwnScores
from contract.spec.model_toml import ModelSpec
from train.data.dataset import Columns
from train.data.split import Part
from train.data.targets import outcomes

Key = TypeVar("Key")


class Answers(NamedTuple):
    """Predictions (rows,) and, where the model has them, probabilities (rows, classes).

    Of a detector of anomalies these are one number, its anomaly score: (rows, 1). Of several
    targets, predictions (rows, targets) and the probabilities of true (rows, labels).
    """

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
    predictions = np.asarray(estimator.predict(X))
    if predictions.ndim == 2 and predictions.shape[1] == 1:
        predictions = predictions.ravel()
    if hasattr(estimator, "anomaly_score"):
        return Answers(predictions, estimator.anomaly_score(X)[:, None])
    if predictions.ndim > 1 and hasattr(estimator, "classes_"):
        predictions = predictions.astype(np.int64)  # a ClassifierChain predicts floats
    if not hasattr(estimator, "predict_proba"):
        return Answers(predictions, None)
    shares = estimator.predict_proba(X)
    if isinstance(shares, list):
        shares = of_true(shares, estimator.classes_)
    return Answers(predictions, np.asarray(shares, dtype=np.float64))


def of_true(
    shares: Sequence[NDArray[np.float64]], classes: Sequence[NDArray[Any]]
) -> NDArray[np.float64]:
    """Return the probability of true of each label as (rows, labels).

    `shares` has an array (rows, classes) for each label, of the `classes` that its rows had.
    """
    return np.column_stack(
        [
            share[:, places[0]] if len(places := np.flatnonzero(known == 1)) else 0 * share[:, 0]
            for share, known in zip(shares, classes, strict=True)
        ]
    )


def existing(scores: dict[Key, list[float]]) -> dict[Key, list[float]]:
    """Return the metrics that exist in every one of several scorings."""
    return {name: values for name, values in scores.items() if all(map(math.isfinite, values))}


def classes(spec: ModelSpec, fitted: Any) -> list[int | str] | None:
    """Return the classes of a fitted classifier, as its probabilities go; None of a regressor.

    Of several labels, these.
    """
    if spec.labels:
        return list(spec.labels)
    return list(fitted.classes_.tolist()) if spec.has_classes else None


def score(  # noqa: PLR0913 - rows, answers, and what is asked of them
    rows: Part,
    answers: Answers,
    classes: Sequence[Label] | None,
    metrics: Sequence[str] = (),
    own: OwnScores | None = None,
    *,
    targets: Sequence[str] = (),
) -> dict[str, float]:
    """Return every metric of the answers to rows; NaN where it does not exist.

    `metrics` are those that are computed only if asked for, some of which may be the model's `own`;
    `targets` are the names of several.
    """
    probabilities = answers.probabilities
    answered = Evaluation(
        rows=[],
        columns={},
        truth=outcomes(rows.y),
        predictions=outcomes(answers.predictions),
        probabilities=None if probabilities is None else probabilities.tolist(),
        weights=None if rows.weights is None else rows.weights.tolist(),
        metrics=list(metrics),
        own=own,
        targets=list(targets),
    )
    return scores.score(answered, classes)


def answered(evaluation: Evaluation, answers: Answers) -> Evaluation:
    """Return other answers to the rows of an evaluation."""
    probabilities = answers.probabilities
    return replace(
        evaluation,
        predictions=outcomes(answers.predictions),
        probabilities=None if probabilities is None else probabilities.tolist(),
    )


def evaluation(
    spec: ModelSpec, holdout: Part, answers: Answers, own: OwnScores | None = None
) -> Evaluation:
    """Return the holdout rows with their truth and the answers to them."""
    return Evaluation(
        rows=holdout.ids.tolist(),
        columns=Columns(spec.inputs, holdout.X),
        truth=outcomes(holdout.y),
        predictions=outcomes(answers.predictions),
        probabilities=None if answers.probabilities is None else answers.probabilities.tolist(),
        weights=None if holdout.weights is None else holdout.weights.tolist(),
        others=holdout.others,
        metrics=list(spec.gate.asked),
        own=own,
        targets=list(spec.several),
    )
