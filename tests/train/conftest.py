"""Model folders made for a test, and the repository's models trained once per session."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from model import bundle, spec
from model.bundle import Bundle
from model.spec import ModelSpec
from train import dataset, job
from train.split import Part, split

FOREST = """\
from sklearn.ensemble import RandomForestClassifier


def build():
    return RandomForestClassifier(n_estimators=10, random_state=0, n_jobs=2)
"""


class Parts(NamedTuple):
    """The rows of a model as its training sees them."""

    spec: ModelSpec
    train: Part
    holdout: Part


@pytest.fixture(scope="session")
def parts() -> Callable[[str], Parts]:
    """Load and split the data of one of the repository's models."""

    def load(name: str) -> Parts:
        read = spec.read(name)
        return Parts(read, *split(read, dataset.load(read)))

    return load


@pytest.fixture(scope="session")
def trained(model_name: str, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle of each model of the repository."""
    out = tmp_path_factory.mktemp("bundles") / model_name
    job.run(spec.read(model_name), out)
    return bundle.read(out)


class Folder(NamedTuple):
    """A model folder to change and train."""

    path: Path

    @property
    def root(self) -> Path:
        return self.path.parent

    @property
    def name(self) -> str:
        return self.path.name

    def write(self, csv: str, toml: str = "", estimator: str = FOREST) -> ModelSpec:
        """Write the folder's files and read its spec; a toml of its own replaces the default."""
        content = csv.encode()
        sha256 = hashlib.sha256(content).hexdigest()
        (self.path / "data.csv").write_bytes(content)
        (self.path / "model.toml").write_text((toml or default_toml(csv)).replace("SHA256", sha256))
        (self.path / "estimator.py").write_text(estimator)
        (self.path / "README.md").write_text("# Title\n\nWhat it is.\n\n## Limits\n\nMany.\n")
        return spec.read(self.name, self.root)


def default_toml(csv: str) -> str:
    """Return a classification of the last column from all others, which are numbers."""
    *inputs, target = csv.partition("\n")[0].split(",")
    return (
        f'description = "A test"\ntask = "classification"\ntarget = "{target}"\n'
        '[data]\nsource = "data.csv"\nsha256 = "SHA256"\n'
        "[inputs]\n" + "".join(f'{name} = "numeric"\n' for name in inputs) + "[evaluate]\n"
        "folds = 2\n[gate]\naccuracy = { min = 0.5 }\n"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder for a model called `made`."""
    path = tmp_path / "made"
    path.mkdir()
    return Folder(path)


def two_classes(rows: int = 40) -> str:
    """Return a CSV of a number and a class that it decides."""
    lines = [f"{row / rows + row % 2:.3f},{'no' if row % 2 else 'yes'}" for row in range(rows)]
    return "x,y\n" + "\n".join(lines) + "\n"
