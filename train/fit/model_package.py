"""The package `model`, from which a model's code is imported in training and in an image."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

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
