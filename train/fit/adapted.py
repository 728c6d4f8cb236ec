"""Whatever has fit, predict and get_params, as an estimator of scikit-learn's interface.

A library's own class may know nothing of scikit-learn's tags, may not be cloned (CatBoost with
cat_features), may want classes as numbers from 0 (XGBoost, neural networks) or answer in columns.
What is wrapped here is fitted, scored and exported as any other; the pickle is of the library's
own estimator, without the wrapper.
"""

from __future__ import annotations

import copy
import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from contract.bundle import Task
from contract.spec.model_toml import ModelSpec
from train.data.split import Part
from train.fit import weighting

Weights = NDArray[np.float64] | None

METHODS = ("fit", "predict", "get_params")
TRIAL_ROWS = 20  # of each class, by which it is told whether an estimator takes the labels
TASKS: dict[str, Task] = {
    "classifier": "classification",
    "regressor": "regression",
    "outlier_detector": "anomaly_detection",
}


def task_of(estimator: Any) -> Task | None:
    """Return the task of an estimator; None where it does not say, or is for another."""
    try:
        return TASKS.get(get_tags(estimator).estimator_type or "")
    except (AttributeError, TypeError):  # of scikit-learn's interface before 1.6, or of none
        return TASKS.get(getattr(estimator, "_estimator_type", ""))


def has_tags(estimator: Any) -> bool:
    """Return whether scikit-learn can tell what an estimator is."""
    try:
        get_tags(estimator)
    except (AttributeError, TypeError):
        return False
    return task_of(estimator) is not None


def fresh(estimator: Any) -> Any:
    """Return an unfitted copy, made of its parameters where scikit-learn cannot clone it."""
    try:
        return clone(estimator)
    except (RuntimeError, TypeError):
        pass
    if isinstance(estimator, list | tuple):
        return type(estimator)(map(fresh, estimator))
    try:
        parameters = estimator.get_params(deep=False)
        return type(estimator)(**{name: fresh(value) for name, value in parameters.items()})
    except (AttributeError, TypeError):  # no estimator, or one with a get_params of its own
        return copy.deepcopy(estimator)


class Adapted(BaseEstimator):  # type: ignore[misc]
    """An estimator that is fitted to the rows as they are."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def __sklearn_clone__(self) -> Self:
        """Return an unfitted copy, as scikit-learn asks for it."""
        return type(self)(**{**self.get_params(deep=False), "estimator": fresh(self.estimator)})

    def fit(self, X: pd.DataFrame, y: Any, sample_weight: Weights = None) -> Self:
        """Fit to the rows X (rows, inputs) and y (rows,), weighted by `sample_weight` (rows,)."""
        self.estimator_ = weighting.fit(fresh(self.estimator), X, y, sample_weight)
        return self

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return the answers (rows,) to the rows X (rows, inputs)."""
        answers = np.asarray(self.estimator_.predict(X))
        return answers.ravel() if answers.ndim == 2 and answers.shape[1] == 1 else answers


class AdaptedRegressor(RegressorMixin, Adapted):  # type: ignore[misc]
    """A regressor."""


class AdaptedClassifier(ClassifierMixin, Adapted):  # type: ignore[misc]
    """A classifier, which with `coded` gets and gives the places of classes in their order."""

    def __init__(self, estimator: Any, *, coded: bool = False) -> None:
        super().__init__(estimator)
        self.coded = coded

    def fit(self, X: pd.DataFrame, y: Any, sample_weight: Weights = None) -> Self:
        """Fit to the rows X (rows, inputs) of the classes y (rows,)."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        return super().fit(X, codes if self.coded else y, sample_weight)

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return the class (rows,) of each of the rows X (rows, inputs)."""
        answers = super().predict(X)
        return self.classes_[answers.astype(np.int64)] if self.coded else answers

    @available_if(lambda self: hasattr(self.estimator, "predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return the probabilities (rows, classes) of the rows X (rows, inputs)."""
        return np.asarray(self.estimator_.predict_proba(X), dtype=np.float64)


def adapted(spec: ModelSpec, estimator: Any, train: Part) -> Any:
    """Return an estimator as it is or, where something needs it, adapted to the model's task.

    Whether it takes the labels is tried on a few rows of each class.
    """
    if spec.task == "anomaly_detection":
        return estimator
    plain = has_tags(estimator) and isinstance(estimator, BaseEstimator) and clones(estimator)
    if spec.task == "regression" or spec.several:
        return estimator if plain else AdaptedRegressor(estimator)
    if plain and not (is_foreign(estimator) and has_labels(train.y)):
        return estimator
    coded = AdaptedClassifier(estimator, coded=True)
    few = train.take(first_rows(train.y))
    as_it_is = estimator if plain else AdaptedClassifier(estimator)
    return coded if not takes(as_it_is, few) and takes(coded, few) else as_it_is


def clones(estimator: Any) -> bool:
    """Return whether scikit-learn can clone an estimator."""
    try:
        clone(estimator)
    except (RuntimeError, TypeError):
        return False
    return True


def is_foreign(estimator: Any) -> bool:
    """Return whether an estimator is, or holds, one of another library than scikit-learn."""
    parts = [estimator, *estimator.get_params().values()]
    return any(
        hasattr(part, "fit") and not type(part).__module__.startswith("sklearn.") for part in parts
    )


def has_labels(y: NDArray[Any]) -> bool:
    """Return whether classes (rows,) are others than the numbers from 0."""
    known: list[Any] = np.unique(y).tolist()
    return known != list(range(len(known)))


def first_rows(y: NDArray[Any]) -> NDArray[np.int64]:
    """Return the first TRIAL_ROWS rows of each class of y (rows,)."""
    places = [np.flatnonzero(y == label)[:TRIAL_ROWS] for label in np.unique(y)]
    return np.sort(np.concatenate(places))


def takes(estimator: Any, rows: Part) -> bool:
    """Return whether an estimator can be fitted to rows, and then answers with their classes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fitted = weighting.fit(fresh(estimator), rows.X, rows.y, rows.weights)
            answers = np.asarray(fitted.predict(rows.X)).ravel().tolist()
        except Exception:  # noqa: BLE001 - whatever an estimator raises; the fit says it
            return False
    return set(answers) <= set(rows.y.tolist())
