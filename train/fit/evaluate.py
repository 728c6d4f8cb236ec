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
from train.data.dataset import columns
from train.data.split import Part

Key = TypeVar("Key")


class Answers(NamedTuple):
    """Predictions (rows,) and, where the model has them, probabilities (rows, classes).

    Of a detector of anomalies these are one number, its anomaly score: (rows, 1).
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
    if hasattr(estimator, "anomaly_score"):
        return Answers(predictions, estimator.anomaly_score(X)[:, None])
    if hasattr(estimator, "predict_proba"):
        return Answers(predictions, np.asarray(estimator.predict_proba(X), dtype=np.float64))
    return Answers(predictions, None)


def existing(scores: dict[Key, list[float]]) -> dict[Key, list[float]]:
    """Return the metrics that exist in every one of several scorings."""
    return {name: values for name, values in scores.items() if all(map(math.isfinite, values))}


def classes(fitted: Any) -> list[int | str] | None:
    """Return the classes of a fitted classifier, as its probabilities go; None of a regressor."""
    known = getattr(fitted, "classes_", None)
    return None if known is None else list(known.tolist())


def score(
    rows: Part,
    answers: Answers,
    classes: Sequence[Label] | None,
    metrics: Sequence[str] = (),
    own: OwnScores | None = None,
) -> dict[str, float]:
    """Return every metric of the answers to rows; NaN where it does not exist.

    `metrics` are those that are computed only if asked for, some of which may be the model's `own`.
    """
    probabilities = answers.probabilities
    answered = Evaluation(
        rows=[],
        columns={},
        truth=rows.y.tolist(),
        predictions=answers.predictions.tolist(),
        probabilities=None if probabilities is None else probabilities.tolist(),
        weights=None if rows.weights is None else rows.weights.tolist(),
        metrics=list(metrics),
        own=own,
    )
    return scores.score(answered, classes)


def answered(evaluation: Evaluation, answers: Answers) -> Evaluation:
    """Return other answers to the rows of an evaluation."""
    probabilities = answers.probabilities
    return replace(
        evaluation,
        predictions=answers.predictions.tolist(),
        probabilities=None if probabilities is None else probabilities.tolist(),
    )


def evaluation(
    spec: ModelSpec, holdout: Part, answers: Answers, own: OwnScores | None = None
) -> Evaluation:
    """Return the holdout rows with their truth and the answers to them."""
    return Evaluation(
        rows=holdout.ids.tolist(),
        columns=columns(spec.inputs, holdout.X),
        truth=holdout.y.tolist(),
        predictions=answers.predictions.tolist(),
        probabilities=None if answers.probabilities is None else answers.probabilities.tolist(),
        weights=None if holdout.weights is None else holdout.weights.tolist(),
        others=holdout.others,
        metrics=list(spec.gate.asked),
        own=own,
    )
