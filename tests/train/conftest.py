"""Model folders made for a test, and the repository's models trained once per session."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from contract import bundle, models
from contract.bundle import Bundle
from contract.spec import model_toml
from contract.spec.model_toml import ModelSpec
from ship.build.build import train
from ship.build.workspace import Workspace
from tests.support.models.folder import Folder, folder
from tests.support.models.train_here import train_here
from train.data import dataset
from train.data.split import Part, split

__all__ = ["folder"]  # a fixture


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


@pytest.fixture(
    scope="session",
    params=[
        "birds",
        "prices",
        *(
            pytest.param(name, marks=[pytest.mark.engine, pytest.mark.nightly])
            for name in models.names()
        ),
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
