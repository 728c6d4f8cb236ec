"""What training puts around an estimator: a detector, an adapter, a threshold."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.model_selection import FixedThresholdClassifier

from contract.spec.model_toml import ModelSpec
from train.fit.adapted import Adapted, AdaptedClassifier
from train.fit.detector import Detector, detecting

AROUND = (FixedThresholdClassifier, Detector, Adapted)


def inside(estimator: Any) -> Any:
    """Return the unfitted estimator inside of whatever is around it."""
    while isinstance(estimator, AROUND):
        estimator = estimator.estimator
    return estimator


def unwrap(fitted: Any) -> Any:
    """Return the best estimator of a search, as the search itself records run times."""
    if isinstance(fitted, AROUND):
        fitted.estimator = fitted.estimator_ = unwrap(fitted.estimator_)
    return getattr(fitted, "best_estimator_", fitted)


def bare(fitted: Any) -> Any:
    """Return a fitted estimator as it is pickled: a threshold around it stays, for it decides."""
    if isinstance(fitted, Detector | Adapted):
        return fitted.estimator_
    if isinstance(fitted, FixedThresholdClassifier) and isinstance(fitted.estimator_, Adapted):
        fitted = copy.copy(fitted)
        fitted.estimator = fitted.estimator_ = fitted.estimator_.estimator_
    return fitted


def is_coded(fitted: Any) -> bool:
    """Return whether a pickle of the estimator answers with the places of classes."""
    if isinstance(fitted, FixedThresholdClassifier):
        return is_coded(fitted.estimator_)
    return isinstance(fitted, AdaptedClassifier) and fitted.coded


def loaded(
    spec: ModelSpec, fitted: Any, classes: Sequence[int | str] | None, *, coded: bool
) -> Any:
    """Return what was fitted and pickled by itself with the wrapper that it was fitted in."""
    if coded and classes is not None:
        wrapped: Any = AdaptedClassifier(fitted, coded=True)
        kind = object if isinstance(classes[0], str) else np.int64
        wrapped.classes_ = np.array(classes, dtype=kind)
    else:
        wrapped = detecting(spec, fitted, None if classes is None else list(classes))
    if wrapped is not fitted:
        wrapped.estimator_ = fitted
    return wrapped
