"""Lock the packages that a model asks for in its requirements.in, beside those of the tool."""

from __future__ import annotations

import os
from pathlib import Path

from contract import models
from contract.packages import LOCK, WANTED
from ship import command, git
from ship.errors import StageError, UsageError
from ship.host.environment import uv_environment
from ship.host.pip_secrets import pip_settings

TOOLS_LOCKS = ("requirements-train.txt", "requirements-joblib.txt")
PYTHON = "3.13"  # of the Dockerfile's base image
EXAMPLE = "A line for each package, such as: xgboost-cpu"


def lock(names: list[str], *, named: bool) -> None:
    """Lock each of the models that has a requirements.in.

    Raises UsageError for a model that was `named` and has none, StageError where nothing fits.
    """
    for name in names:
        folder = models.root() / name
        if (folder / WANTED).exists():
            compile_lock(folder)
            print(f"{name}: {folder / LOCK}")
        elif named:
            where = folder / WANTED
            raise UsageError(f"{where} must name the model's packages. Got no such file. {EXAMPLE}")


def compile_lock(folder: Path) -> None:
    """Write the lock of a model, with hashes, of versions that fit the tool's own.

    What is locked already stays as it is, unless UPGRADE is set. Raises StageError where no
    versions fit together, or a package has no wheel.
    """
    constraints = [word for name in TOOLS_LOCKS for word in ("--constraints", git.TOOL / name)]
    result = command.attempt(
        git.TOOL / ".venv/bin/uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes",
        "--no-annotate", "--no-build", "--no-emit-index-url", "--python-version", PYTHON,
        "--custom-compile-command", f"make lock MODEL={folder.name}", *constraints,
        *(["--upgrade"] if os.environ.get("UPGRADE") else []),
        "--output-file", folder / LOCK, folder / WANTED,
        environment=uv_environment(pip_settings(git.TOOL / ".venv/bin/python"), os.environ),
    )  # fmt: skip
    if not result.succeeded:
        raise StageError(
            f"{folder / WANTED} must name packages that have wheels and fit the tool's own "
            f"({', '.join(TOOLS_LOCKS)}). uv says instead: {result.reason}\n"
            "Ask for other packages or versions."
        )
