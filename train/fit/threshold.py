"""The probability from which a classifier of two classes answers the second one.

The threshold is part of the estimator, so that whatever asks the model, in training or as a graph
or a pickle in an image, gets answers that were decided by it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import FixedThresholdClassifier

from contract.errors import ModelError
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.metrics import metric as metric_of
from contract.evaluation.scores import score
from contract.spec.model_toml import ModelSpec
from train.data.split import Part
from train.fit import cross_validation, wrappers
from train.fit.adapted import has_tags

CANDIDATES = 200  # thresholds that are tried
HALF = 0.5


def decided(spec: ModelSpec, estimator: Any, train: Part) -> Any:
    """Return the estimator with the threshold of [serve], as it is where there is none.

    Raises ModelError unless it gives the probabilities of two classes and scikit-learn knows it for
    a classifier, and where "auto" has no metric to choose by.
    """
    threshold = spec.serving.threshold
    if threshold is None:
        return estimator
    classes = len(set(train.y.tolist()))
    if classes != 2 or not hasattr(estimator, "predict_proba"):
        kind = type(estimator).__name__
        got = f"{classes} classes" if classes != 2 else f"{kind} without predict_proba"
        expected = "absent unless the model gives probabilities of two classes"
        cure = "Remove it, or change build()."
        raise ModelError(f"{spec.file}: serve.threshold", expected, got, cure)
    if not has_tags(wrappers.inside(estimator)):
        kind = type(wrappers.inside(estimator)).__name__
        got = f"{kind}, which scikit-learn does not know for one"
        cure = "Derive it from ClassifierMixin and BaseEstimator, in this order."
        raise ModelError(f"{spec.file}: serve.threshold", "around a classifier", got, cure)
    if threshold == "auto":
        threshold = choose(spec, estimator, train)
    return FixedThresholdClassifier(estimator, threshold=threshold, response_method="predict_proba")


def choose(spec: ModelSpec, estimator: Any, train: Part) -> float:
    """Return the threshold at which the first gated metric of labels is best over the folds.

    Each row is answered by a fit that has not seen it. Of equally good thresholds, that nearest to
    one half. Raises ModelError where the gate bounds no such metric.
    """
    names = [name for name in spec.gate.rules.metrics if name not in spec.gate.own]
    name = next((name for name in names if metric_of(name).needs == "labels"), None)
    if name is None:
        cure = "Bound mcc, or write a number."
        expected = "a number where the gate bounds no metric of labels"
        raise ModelError(f"{spec.file}: serve.threshold", expected, "'auto'", cure)
    classes = np.unique(train.y)
    answers, judged = [], []
    for learn, judge in cross_validation.folds(spec, train, spec.folds):
        fitted = cross_validation.fit(spec, clone(estimator), train.take(learn))
        answers.append(fitted.predict_proba(train.X.iloc[judge])[:, 1])
        judged.append(judge)
    rows = train.take(np.concatenate(judged))
    return best(np.concatenate(answers), rows.y, classes, name, rows.weights)


def best(
    probabilities: NDArray[np.float64],
    truth: NDArray[Any],
    classes: NDArray[Any],
    metric: str,
    weights: NDArray[np.float64] | None = None,
) -> float:
    """Return the threshold of the second class's probabilities (rows,) with the best metric.

    `truth` and `weights` have the shape (rows,), `classes` (2,). The thresholds are halfway between
    probabilities.
    """
    values = np.unique(probabilities)
    between = (values[1:] + values[:-1]) / 2
    places = np.unique(np.linspace(0, len(between) - 1, CANDIDATES).round().astype(int))
    candidates = between[places] if len(between) else np.array([HALF])

    def scored(threshold: float) -> float:
        """Return the metric at a threshold, NaN where it does not exist."""
        answered = Evaluation(
            rows=[],
            columns={},
            truth=truth.tolist(),
            predictions=classes[(probabilities >= threshold).astype(int)].tolist(),
            probabilities=None,
            weights=None if weights is None else weights.tolist(),
            metrics=[metric],
        )
        return score(answered, classes.tolist())[metric]

    sign = 1 if metric_of(metric).bound == "min" else -1
    scores = np.array([sign * scored(threshold) for threshold in candidates])
    if np.isnan(scores).all():
        return HALF
    top = candidates[scores >= np.nanmax(scores) - 1e-12]
    return float(top[np.argmin(np.abs(top - HALF))])
