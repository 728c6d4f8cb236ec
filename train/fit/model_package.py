"""The package `model`, from which a model's code is imported, and the packages of its own lock."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import ModuleType

from contract.packages import LOCK, WANTED, read_lock, relock
from contract.spec.model_toml import ModelSpec

PACKAGE = "model"


def make_importable(spec: ModelSpec) -> None:
    """Make `model` the package of the models' folders, and forget what was imported of it before.

    So `model.<name>` is the model's folder, and `model._<name>` one of modules that models share.
    """
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    sys.modules[PACKAGE] = ModuleType(PACKAGE)
    sys.modules[PACKAGE].__path__ = [str(spec.folder.parent.resolve())]
    importlib.invalidate_caches()


def imported(spec: ModelSpec) -> dict[str, str]:
    """Return the versions of those packages of the model's lock that this process has imported.

    Raises ModelError for a lock that cannot be read.
    """
    lock = spec.folder / LOCK
    if not lock.exists():
        return {}
    loaded = {
        os.path.realpath(file)
        for module in list(sys.modules.values())
        if (file := getattr(module, "__file__", None))
    }
    versions = {}
    for name in sorted({entry.name for entry in read_lock(lock)}):
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            continue  # of another platform
        files = (
            os.path.realpath(str(installed.locate_file(file))) for file in installed.files or ()
        )
        if any(file in loaded for file in files):
            versions[name] = installed.version
    return versions


def confirmed(spec: ModelSpec, claimed: Mapping[str, str]) -> dict[str, str]:
    """Return those of the claimed packages and versions that the model's lock has."""
    lock = spec.folder / LOCK
    known = {(entry.name, entry.version) for entry in read_lock(lock)} if lock.exists() else set()
    return {name: version for name, version in claimed.items() if (name, version) in known}


def cure(spec: ModelSpec, error: BaseException) -> str | None:
    """Return how an import that failed is mended; None where another error than such a one is seen.

    The whole chain of causes is looked at.
    """
    seen: BaseException | None = error
    while seen is not None:
        missing = (getattr(seen, "name", "") or "").partition(".")[0]
        if isinstance(seen, ModuleNotFoundError) and missing not in ("", PACKAGE):
            return add(spec, f"the package that has {missing}")
        if isinstance(seen, ImportError | OSError) and ".so" in str(seen):
            library = str(seen).partition(":")[0]
            return add(spec, f"a package that brings {Path(library).name}")
        seen = seen.__cause__ or seen.__context__
    return None


def add(spec: ModelSpec, what: str) -> str:
    """Return the sentence that says where a package is named, and what to run then."""
    return f"Add {what} to {spec.folder / WANTED}. {relock(spec.folder / WANTED)}"
