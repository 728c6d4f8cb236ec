"""What each model is made from: the files, their hash, and the commits that last touched them.

The tool's files come from the tool's checkout, and the model's folder from the models' root, which
may lie in the same git repository or in another. Equal inputs have an equal hash on every machine
and branch, so a model is built again only when something that shapes it has changed. Nothing needs
to be installed to plan.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contract import models as model_folders
from contract.models import SPEC
from contract.spec import acceptances
from ship import git
from ship.build.shared_modules import used_by
from ship.errors import ShipError
from ship.git import Commit

TRAIN = ("Dockerfile", "requirements-train.txt", "contract", "train")
SERVE = (".dockerignore", "docker-bake.hcl", "requirements.txt", "requirements-joblib.txt", "serve")
IGNORE = ".dockerignore"  # of the models' root: BuildKit reads one there too


@dataclass(frozen=True)
class Inputs:
    """The inputs of one result: the hash of the files, and the last commits that changed them."""

    hash: str
    revision: str  # in the repository of the models
    tool: str  # in the tool's, of the tool's files alone
    # Of the later of the two, in seconds since 1970: SOURCE_DATE_EPOCH of reproducible-builds.org.
    epoch: int

    @property
    def version(self) -> str:
        """The commit's date and the hash: readable, ordered, and new whenever the inputs are."""
        return f"{time.strftime('%Y.%m.%d', time.gmtime(self.epoch))}-{self.hash[:7]}"


@dataclass(frozen=True)
class Plan:
    """One model's inputs: those of its bundle, and those of its image, which include them."""

    model: str
    bundle: Inputs
    image: Inputs


def plan(model: str, models: Path | None = None, tool: Path = git.TOOL) -> Plan:
    """Compute what `model` is made from: its folder in `models` (default: MODELS), and `tool`.

    Raises ShipError where one of them is in no checkout, or git ignores the model's folder.
    """
    root = models or model_folders.root()
    return Plan(model, inputs(model, root, tool, TRAIN), inputs(model, root, tool, TRAIN + SERVE))


def inputs(model: str, models: Path, tool: Path, code: tuple[str, ...]) -> Inputs:
    """Return the inputs of a model that is made by `code` of the tool.

    Raises ShipError where git ignores the model's folder.
    """
    model_files = named(models, model, prefix="model/")
    if not model_files:
        raise ShipError(f"{models / model} must hold files that git would add. Got none. Name a "
                        "folder with a model, and look at .gitignore there.")  # fmt: skip
    tool_commit, tool_dirty = last_change(tool, *code)
    commit, dirty = last_change(models, *shaping(model, models, tool, code))
    others = [IGNORE, *shared_paths(model, models)]
    files = {**model_files, **named(models, *others, prefix="model/"), **named(tool, *code)}
    return Inputs(
        hash=hash_of(files),
        revision=f"{commit.sha}{dirty}",
        tool=f"{tool_commit.sha}{tool_dirty}",
        epoch=max(commit.epoch, tool_commit.epoch),
    )


def shaping(
    model: str, models: Path, tool: Path = git.TOOL, code: tuple[str, ...] = TRAIN + SERVE
) -> list[Path]:
    """Return the paths in the models' repository that a model is made from.

    That is its folder, and the modules that it shares with other models; where the tool lies in the
    same repository, the tool's files too.
    """
    ours = [tool / path for path in code] if git.top(models) == git.top(tool) else []
    shared = [models / path for path in shared_paths(model, models)]
    return [models / model, *shared, models / IGNORE, *ours]


def shared_paths(model: str, models: Path) -> list[str]:
    """Return the shared modules that a model uses, as patterns of git."""
    return [f"{name}/*.py" for name in used_by(model, models)]


def last_change(root: Path, *paths: str | Path) -> tuple[Commit, str]:
    """Return the last commit that touched `paths`, and "-dirty" if they differ from it, else ""."""
    return git.last_commit(*paths, root=root), "-dirty" if git.is_dirty(*paths, root=root) else ""


def named(root: Path, *paths: str, prefix: str = "") -> dict[str, Path]:
    """Return the files under `paths`, each by the name that it is hashed under."""
    files = git.files(*paths, root=root)
    return {f"{prefix}{file.relative_to(root).as_posix()}": file for file in files}


def hash_of(files: Mapping[str, Path]) -> str:
    """Return a hash of names and contents, but not of modes or times, which differ by checkout.

    Of a link only its text counts, as for git, since its target may be anything on this machine.
    What a model.toml accepts of a comparison does not count, since it shapes no model.
    """
    total = hashlib.sha256()
    for name, file in sorted(files.items()):
        content = bytes(file.readlink()) if file.is_symlink() else file.read_bytes()
        if file.name == SPEC:
            content = acceptances.shaping(content)
        total.update(f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode())
    return total.hexdigest()
