"""Where fits run: searches on all cores of this machine, or all fits on a Dask or Ray cluster.

On a cluster, what an estimator's fit hands to joblib is spread over the workers: a search's
candidates, a forest's trees. So is what the estimator itself sends to the cluster's client. Nothing
else is: one process reads the rows and sends them, and answers are given by one thread. A forest
adds up the answers of its trees in the order in which their threads finish, so that the last bit of
a probability would depend on chance.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import cloudpickle
import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.model_selection._search import BaseSearchCV

from contract.errors import ModelError
from train.fit import weighting

LOCAL = "local"
Register = Callable[[ModuleType], None]  # sends a module by its code, not by its name


def fit(estimator: Any, X: Any, y: Any, weights: NDArray[np.float64] | None = None) -> Any:
    """Fit an estimator, by TRAIN_BACKEND's workers where it is a search or they are a cluster.

    `X` has the shape (rows, inputs), `y` and `weights` (rows,). Raises ModelError if there are no
    such workers.
    """
    spreads = is_search(estimator) or chosen() != LOCAL
    with workers() if spreads else nullcontext():
        return weighting.fit(estimator, X, y, weights)


def chosen() -> str:
    """Return the name of the backend."""
    return os.environ.get("TRAIN_BACKEND") or LOCAL


def is_search(estimator: BaseEstimator) -> bool:
    """Return whether the estimator is, or contains, a search over parameters."""
    parts = [estimator, *estimator.get_params().values()]
    return any(isinstance(part, BaseSearchCV) for part in parts)


@contextmanager
def workers() -> Iterator[None]:
    """Let joblib use the workers that TRAIN_BACKEND and ADDRESS name.

    Raises ModelError for another backend, and for a cluster that cannot be used.
    """
    backend = chosen()
    if backend not in BACKENDS:
        cure = "Leave it out to use this machine."
        raise ModelError("TRAIN_BACKEND", " or ".join(BACKENDS), repr(backend), cure)
    by_value = [cloudpickle.register_pickle_by_value]
    if backend != LOCAL:
        by_value += CLUSTERS[backend](os.environ.get("ADDRESS", ""))
    carry_estimators(by_value)
    options = {"n_jobs": -1} if backend == LOCAL else {"backend": backend}
    with joblib.parallel_config(**options):
        yield


@cache
def connect_dask(address: str) -> list[Register]:
    """Connect to a Dask scheduler, once in a process; raise ModelError if that is not possible."""
    try:
        from distributed import Client  # noqa: PLC0415 - only who has a cluster installs it
    except ImportError as error:
        cure = "Run: pip install distributed"
        raise ModelError("TRAIN_BACKEND=dask", "installed", error, cure) from error
    try:
        Client(address, timeout="10s").as_current()  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        cure = "Start one with: dask scheduler, and dask worker ADDRESS."
        raise ModelError("ADDRESS", "that of a Dask scheduler", repr(address), cure) from error
    return []


@cache
def connect_ray(address: str) -> list[Register]:
    """Connect to a Ray cluster, once in a process; raise ModelError if that is not possible.

    Ray contains another copy of cloudpickle, which must be told to send code as well.
    """
    try:
        ray, backend = import_module("ray"), import_module("ray.util.joblib")
    except ImportError as error:
        cure = "Run: pip install ray"
        raise ModelError("TRAIN_BACKEND=ray", "installed", error, cure) from error
    try:
        ray.init(address or "nowhere", log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, ValueError, RuntimeError) as error:
        cure = "Start one with: ray start --head"
        raise ModelError("ADDRESS", "that of a Ray cluster", repr(address), cure) from error
    backend.register_ray()
    return [ray.cloudpickle.register_pickle_by_value]


def carry_estimators(by_value: Sequence[Register]) -> None:
    """Make the model's modules travel as code: a worker has no folder to import them from.

    That is all of the package `model`: estimator.py, what lies beside it, and what models share.
    """
    for package in filter(None, [sys.modules.get("model")]):
        for register in by_value:
            register(package)


CLUSTERS = {"dask": connect_dask, "ray": connect_ray}
BACKENDS = (LOCAL, *CLUSTERS)
