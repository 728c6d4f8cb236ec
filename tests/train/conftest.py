"""Model folders made for a test, and the repository's models trained once per session."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from contract import bundle, models
from contract.bundle import Bundle
from contract.spec import model_toml
from contract.spec.model_toml import ModelSpec
from ship.build.build import train
from ship.build.workspace import Workspace
from tests.support.models.train_here import train_here
from train.data import dataset
from train.data.split import Part, split

FOREST = """\
from sklearn.ensemble import RandomForestClassifier


def build():
    return RandomForestClassifier(n_estimators=10, random_state=0, n_jobs=2)
"""


class Trained(NamedTuple):
    """A model and its bundle."""

    spec: ModelSpec
    bundle: Bundle


class Parts(NamedTuple):
    """The rows of a model as its training sees them."""

    spec: ModelSpec
    train: Part
    holdout: Part


@pytest.fixture(scope="session")
def parts() -> Callable[[str], Parts]:
    """Load and split the data of one of the repository's models."""

    def load(name: str) -> Parts:
        read = model_toml.read(name)
        return Parts(read, *split(read, dataset.load(read)))

    return load


MIXED = """\
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder


def build():
    columns = make_column_transformer(
        (SimpleImputer(), make_column_selector(dtype_include=float)),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include=object)),
    )
    return make_pipeline(columns, RandomForestClassifier(n_estimators=10, random_state=0))
"""
RIDGE = "from sklearn.linear_model import Ridge\n\n\ndef build():\n    return Ridge()\n"


@pytest.fixture(
    scope="session",
    params=[
        "birds",
        "prices",
        *(pytest.param(n, marks=pytest.mark.docker) for n in models.names()),
    ],
)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The bundle of folders that are written here, and of each model of the repository.

    What stands in `model/` is somebody's code, so it is trained in the builder alone.
    """
    name, root = request.param, tmp_path_factory.mktemp("models")
    if name in models.names():
        build = Workspace(name, request.getfixturevalue("python_image"), root)
        train(build)
        return Trained(model_toml.read(name), bundle.read(build.bundle))
    folder = Folder(root / name)
    folder.path.mkdir()
    read = folder.write_birds() if name == "birds" else folder.write_prices()
    train_here(read, root / "bundle")
    return Trained(read, bundle.read(root / "bundle"))


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
        return model_toml.read(self.name, self.root)

    def write_birds(self) -> ModelSpec:
        """A classification of numbers and texts, of which some are missing."""
        lines = [
            f"{row % 2 * 4 + row / 90:.2f},{'' if row % 9 == 0 else 'uvw'[row % 3]},{'yn'[row % 2]}"
            for row in range(120)
        ]
        toml = default_toml("size,colour,y\n").replace(
            'colour = "numeric"', 'colour = "categorical"'
        )
        return self.write("size,colour,y\n" + "\n".join(lines) + "\n", toml, MIXED)

    def write_prices(self) -> ModelSpec:
        """A regression."""
        lines = [f"{row},{row % 7},{row * 2 + row % 7 * 0.5}" for row in range(80)]
        toml = default_toml("a,b,y\n").replace("classification", "regression")
        toml = toml.replace("accuracy", "r2")
        return self.write("a,b,y\n" + "\n".join(lines) + "\n", toml, RIDGE)


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
