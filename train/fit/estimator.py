"""Build the estimator of a model's estimator.py: an unfitted one, for the model's task."""

from __future__ import annotations

import importlib
import pickle
import re
from types import ModuleType
from typing import Any

from sklearn.exceptions import NotFittedError
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from contract.bundle import Task
from contract.errors import ModelError
from contract.models import ESTIMATOR
from contract.spec.model_toml import ModelSpec
from contract.spec.tables import NO_TASK
from train.fit import model_package
from train.fit.adapted import METHODS, has_tags, task_of
from train.fit.model_package import PACKAGE, make_importable
from train.fit.wrappers import bare

EXAMPLE = "See the README: def build() -> an unfitted scikit-learn estimator."
THREADS = {"catboost": "thread_count", "lightgbm": "n_jobs", "xgboost": "n_jobs"}
WANTED: dict[Task, str] = {
    "classification": "a classifier",
    "regression": "a regressor",
    "anomaly_detection": "an outlier detector",
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
        cure = model_package.cure(spec, error) or "Mend it."
        raise ModelError(f"{file}: build()", "callable without error", got, cure) from error
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
        cure = model_package.cure(spec, error) or (
            f"Mend it; as model._… the modules in a folder {spec.folder.parent}/_… can be imported"
        )
        raise ModelError(spec.folder / ESTIMATOR, "importable", got, cure) from error


def check(spec: ModelSpec, estimator: Any) -> None:
    """Check that an estimator is an unfitted one of the right task; raise ModelError if not."""
    where = f"{spec.folder / ESTIMATOR}: what build() returns"
    if isinstance(estimator, type):
        cure = f"Return {estimator.__name__}(), with parentheses."
        raise ModelError(where, "an estimator, not its class", estimator.__name__, cure)
    task = task_of(estimator)
    if task != spec.task and not (task is None and is_untold(spec, estimator)):
        cure = f', or write task = "{task}" in {spec.file}.' if task else f". {NO_TASK}"
        got = type(estimator).__name__
        raise ModelError(where, WANTED[spec.task], got, f"Return one{cure}")
    if spec.task == "anomaly_detection" and not hasattr(estimator, "predict"):
        cure = "As LocalOutlierFactor(novelty=True) is."
        raise ModelError(where, "able to predict new rows", type(estimator).__name__, cure)
    if lacking := [name for name in METHODS if not callable(getattr(estimator, name, None))]:
        expected = f"an estimator: something with {', '.join(METHODS)}"
        got = f"{estimator!r}, without {' and '.join(lacking)}"
        raise ModelError(where, expected, got, EXAMPLE)
    if is_fitted(estimator):
        raise ModelError(where, "unfitted", "a fitted estimator", "Remove the call of fit().")
    check_gate(spec, estimator)
    check_pickle(spec, estimator)


def is_untold(spec: ModelSpec, estimator: Any) -> bool:
    """Return whether nothing tells the task of an estimator, which may then be the model's."""
    return spec.task != "anomaly_detection" and not has_tags(estimator)


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
        if not (is_of_labels or spec.task == "anomaly_detection"
                or hasattr(estimator, "predict_proba")):  # fmt: skip
            expected = f"a metric that {type(estimator).__name__} can give: it has no predict_proba"
            cure = "Bound accuracy or another metric of the labels."
            raise ModelError(f"{spec.file}: gate", expected, metric, cure)


def is_fitted(estimator: Any) -> bool:
    """Return whether the estimator was fitted; of a class of one's own, an attribute_ tells it."""
    try:
        check_is_fitted(estimator)
        return bool(get_tags(estimator).requires_fit)
    except NotFittedError:
        return False
    except (AttributeError, TypeError):
        return any(name.endswith("_") and name[:1] != "_" for name in vars(estimator))


def without_threads(estimator: Any) -> Any:
    """Reset every n_jobs, which a pickle would keep: the server sets its own number of threads.

    Boosters are told to use one thread: of their own they take every core, whose number their sums
    would depend on.
    """
    names = [name for name in estimator.get_params() if name.split("__")[-1] == "n_jobs"]
    if names:
        estimator.set_params(**dict.fromkeys(names))
    for part in [estimator, *estimator.get_params().values()]:
        roots = {kind.__module__.partition(".")[0] for kind in type(part).__mro__}
        if threads := next((THREADS[root] for root in roots & THREADS.keys()), None):
            part.set_params(**{threads: 1})
    return estimator


def describe(estimator: Any) -> str:
    """Return the estimator as one line of Python, without the addresses of its functions."""
    return without_addresses(repr(bare(estimator)))


def without_addresses(text: str) -> str:
    """Return a text on one line, without the addresses that Python prints of functions."""
    return re.sub(r" at 0x[0-9a-f]+", "", " ".join(text.split()))
