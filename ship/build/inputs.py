"""What each model is made from: the files, their hash, and the commit that last touched them.

Equal inputs have an equal hash on every machine and branch, so a model is built again only when
something that shapes it has changed. Nothing needs to be installed to plan.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from ship import git

TRAIN = ("Dockerfile", "requirements-train.txt", "contract", "train")
SERVE = (".dockerignore", "docker-bake.hcl", "requirements.txt", "requirements-joblib.txt", "serve")


@dataclass(frozen=True)
class Inputs:
    """What shapes one result: `hash` of the files, and the last commit that touched them."""

    hash: str
    revision: str
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


def plan(model: str, root: Path = git.ROOT) -> Plan:
    """Compute what `model` is made from in the working tree of `root`."""
    train = training_paths(model)
    return Plan(model, inputs(root, *train), inputs(root, *train, *SERVE))


def training_paths(model: str) -> tuple[str, ...]:
    return (*TRAIN, f"model/{model}")


def paths(model: str) -> tuple[str, ...]:
    """Return what shapes a model's image, as git names paths."""
    return (*training_paths(model), *SERVE)


def inputs(root: Path, *paths: str) -> Inputs:
    commit = git.last_commit(*paths, root=root)
    dirty = "-dirty" if git.is_dirty(*paths, root=root) else ""
    return Inputs(hash_of(git.files(*paths, root=root), root), commit.sha + dirty, commit.epoch)


def hash_of(files: list[Path], root: Path) -> str:
    """Hash names and contents; neither modes nor times, which differ between checkouts."""
    total = hashlib.sha256()
    for file in files:
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        total.update(f"{content}  {file.relative_to(root).as_posix()}\n".encode())
    return total.hexdigest()
