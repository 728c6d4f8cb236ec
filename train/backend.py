"""Where a search tries its candidates: on every core of this machine, or on a Dask cluster.

Only searches are spread. A forest adds up its trees' answers in whichever order its threads finish,
so that the last bit of a probability would depend on chance.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import cloudpickle
import joblib
from sklearn.base import BaseEstimator
from sklearn.model_selection._search import BaseSearchCV

from model.errors import ModelError

BACKENDS = ("local", "dask")


def fit(estimator: Any, X: Any, y: Any) -> Any:
    """Fit an estimator, with the candidates of a search spread over the workers there are."""
    if not is_search(estimator):
        return estimator.fit(X, y)
    with workers():
        return estimator.fit(X, y)


def is_search(estimator: BaseEstimator) -> bool:
    parts = [estimator, *estimator.get_params().values()]
    return any(isinstance(part, BaseSearchCV) for part in parts)


@contextmanager
def workers() -> Iterator[None]:
    """Let joblib use the workers that TRAIN_BACKEND and ADDRESS name."""
    backend = os.environ.get("TRAIN_BACKEND") or "local"
    if backend not in BACKENDS:
        cure = "Leave it out to use this machine."
        raise ModelError("TRAIN_BACKEND", " or ".join(BACKENDS), repr(backend), cure)
    if backend == "dask":
        connect(os.environ.get("ADDRESS", ""))
    carry_estimators()
    options = {"backend": "dask"} if backend == "dask" else {"n_jobs": -1}
    with joblib.parallel_config(**options):
        yield


@cache
def connect(address: str) -> Any:
    """Connect to a Dask scheduler, once in a process."""
    try:
        from distributed import Client  # noqa: PLC0415 - only who has a cluster installs it
    except ImportError as error:
        cure = "Run: pip install distributed"
        raise ModelError("TRAIN_BACKEND=dask", "installed", error, cure) from error
    try:
        return Client(address, timeout="10s")  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        cure = "Start one with: dask scheduler, and dask worker ADDRESS."
        raise ModelError("ADDRESS", "that of a Dask scheduler", repr(address), cure) from error


def carry_estimators() -> None:
    """Send the code of estimator.py along: workers have no model folder to import it from."""
    for name, module in list(sys.modules.items()):
        if name.startswith("model.") and name.endswith(".estimator"):
            cloudpickle.register_pickle_by_value(module)
