"""Build the estimator of a model's estimator.py: an unfitted one, for the model's task."""

from __future__ import annotations

import importlib
import pickle
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

from sklearn.base import BaseEstimator, is_classifier, is_outlier_detector, is_regressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils.validation import check_is_fitted

from contract.bundle import Task
from contract.errors import ModelError
from contract.models import ESTIMATOR
from contract.spec.model_toml import ModelSpec
from contract.spec.tables import NO_TASK
from train.fit.detector import Detector, bare
from train.fit.model_package import PACKAGE, make_importable

EXAMPLE = "See the README: def build() -> an unfitted scikit-learn estimator."
WANTED: dict[Task, tuple[str, Callable[[Any], bool]]] = {
    "classification": ("a classifier", is_classifier),
    "regression": ("a regressor", is_regressor),
    "anomaly_detection": ("an outlier detector", is_outlier_detector),
}


def build(spec: ModelSpec) -> Any:
    """Return the estimator of estimator.py, without threads.

    Raises ModelError if the file or its build() is missing, fails, or returns anything but an
    unfitted estimator for the task and for the metrics of the gate.
    """
    file = spec.folder / ESTIMATOR
    if not file.is_file():
        raise ModelError(file, "a file that defines build()", "no such file", EXAMPLE)
    module = load_module(spec)
    function = getattr(module, "build", None)
    if not callable(function):
        raise ModelError(f"{file}: build", "a function without arguments", repr(function), EXAMPLE)
    try:
        estimator = function()
    except Exception as error:
        got = f"{type(error).__name__}: {error}"
        raise ModelError(f"{file}: build()", "callable without error", got, "Mend it.") from error
    check(spec, estimator)
    return without_threads(estimator)


def load_module(spec: ModelSpec) -> ModuleType:
    """Import `model.<name>.estimator`, the name by which a served pickle finds its classes.

    Raises ModelError if it cannot be imported.
    """
    make_importable(spec)
    try:
        return importlib.import_module(f"{PACKAGE}.{spec.name}.estimator")
    except Exception as error:
        got = f"{type(error).__name__}: {error}"
        cure = (
            "Mend it; only what requirements-train.txt installs can be imported, and as model._… "
            f"the modules in a folder {spec.folder.parent}/_…"
        )
        raise ModelError(spec.folder / ESTIMATOR, "importable", got, cure) from error


def check(spec: ModelSpec, estimator: Any) -> None:
    """Check that an estimator is an unfitted one of the right task; raise ModelError if not."""
    where = f"{spec.folder / ESTIMATOR}: what build() returns"
    if isinstance(estimator, type):
        cure = f"Return {estimator.__name__}(), with parentheses."
        raise ModelError(where, "an estimator, not its class", estimator.__name__, cure)
    if not isinstance(estimator, BaseEstimator):
        raise ModelError(where, "a scikit-learn estimator", repr(estimator), EXAMPLE)
    expected, fits_task = WANTED[spec.task]
    if not fits_task(estimator):
        others = [task for task, (_, fits) in WANTED.items() if fits(estimator)]
        cure = f', or write task = "{others[0]}" in {spec.file}.' if others else f". {NO_TASK}"
        raise ModelError(where, expected, type(estimator).__name__, f"Return one{cure}")
    if spec.task == "anomaly_detection" and not hasattr(estimator, "predict"):
        cure = "As LocalOutlierFactor(novelty=True) is."
        raise ModelError(where, "able to predict new rows", type(estimator).__name__, cure)
    if is_fitted(estimator):
        raise ModelError(where, "unfitted", "a fitted estimator", "Remove the call of fit().")
    check_gate(spec, estimator)
    check_pickle(spec, estimator)


def check_pickle(spec: ModelSpec, estimator: Any) -> None:
    """Check that the estimator can be pickled, as it is served so where ONNX cannot hold it.

    Of a search that is the estimator it looks for. Raises ModelError if it cannot.
    """
    served = estimator.estimator if isinstance(estimator, BaseSearchCV) else estimator
    try:
        pickle.dumps(served)
    except Exception as error:
        raise unpicklable(spec, error) from error


def unpicklable(spec: ModelSpec, error: Exception) -> ModelError:
    """Return the error for an estimator that pickle refuses by another one."""
    where = f"{spec.folder / ESTIMATOR}: what build() returns"
    got = f"{type(error).__name__}: {without_addresses(str(error))}"
    cure = "Define each of its functions and classes by def or class, outside of any function."
    return ModelError(where, "picklable, as no lambda is", got, cure)


def check_gate(spec: ModelSpec, estimator: Any) -> None:
    """Check that the estimator has the metrics of the gate; raise ModelError if not."""
    for metric in spec.gate.metrics:
        is_of_labels = spec.gate.metric(metric).needs == "labels"
        if not (is_of_labels or is_outlier_detector(estimator)
                or hasattr(estimator, "predict_proba")):  # fmt: skip
            expected = f"a metric that {type(estimator).__name__} can give: it has no predict_proba"
            cure = "Bound accuracy or another metric of the labels."
            raise ModelError(f"{spec.file}: gate", expected, metric, cure)


def is_fitted(estimator: Any) -> bool:
    """Return whether the estimator was fitted."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return bool(estimator.__sklearn_tags__().requires_fit)


def without_threads(estimator: Any) -> Any:
    """Reset every n_jobs, which a pickle would keep: the server sets its own number of threads."""
    names = [name for name in estimator.get_params() if name.split("__")[-1] == "n_jobs"]
    return estimator.set_params(**dict.fromkeys(names)) if names else estimator


def unwrap(fitted: Any) -> Any:
    """Return the best estimator of a search, as the search itself records run times."""
    if isinstance(fitted, FixedThresholdClassifier | Detector):
        fitted.estimator = fitted.estimator_ = unwrap(fitted.estimator_)
    return getattr(fitted, "best_estimator_", fitted)


def describe(estimator: Any) -> str:
    """Return the estimator as one line of Python, without the addresses of its functions."""
    return without_addresses(repr(bare(estimator)))


def without_addresses(text: str) -> str:
    """Return a text on one line, without the addresses that Python prints of functions."""
    return re.sub(r" at 0x[0-9a-f]+", "", " ".join(text.split()))
