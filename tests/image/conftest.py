"""The image under test, its bundle, and a container of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contract import models
from contract.bundle import Bundle, read
from ship.build.engine import load
from ship.build.workspace import Workspace
from ship.host.confined import make_network
from tests.conftest import JOBLIB, BuildModel
from tests.image.container import Container, files


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Put the image of the pipeline through every test, or at night those of all models.

    Every day the smoke stage of the pipeline that is tested runs them on images of both runtimes.
    """
    if "image_name" not in metafunc.fixturenames:
        return
    only = metafunc.config.getoption("--model")
    nightly = [pytest.param(n, marks=pytest.mark.nightly) for n in (JOBLIB, *models.names())]
    metafunc.parametrize("image_name", [only] if only else nightly, scope="session")


@pytest.fixture(scope="session")
def built(image_name: str, build_model: BuildModel, request: pytest.FixtureRequest) -> Workspace:
    """The bundle and the image of a model: the given ones, or made for the occasion."""
    if dist := request.config.getoption("--results"):
        return Workspace(image_name, "", dist)
    if image_name == JOBLIB:
        written: Workspace = request.getfixturevalue(JOBLIB)
        return written
    return build_model(image_name)


@pytest.fixture(scope="session")
def image(built: Workspace, request: pytest.FixtureRequest) -> str:
    """The id of the image in the engine: the one given, or built for the occasion."""
    reference: str | None = request.config.getoption("--image")
    return reference or load(built.archive)


@pytest.fixture(scope="session")
def bundle(built: Workspace) -> Bundle:
    """The bundle that the image was built from."""
    return read(built.bundle)


@pytest.fixture(scope="session")
def container(image: str) -> Iterator[Container]:
    """A ready container on a hostile host, shared by the tests that only ask it things."""
    make_network()
    with Container(image) as running:
        yield running.wait_ready()


@pytest.fixture(scope="session")
def image_files(image: str) -> list[str]:
    """The path of every file in the image, as tar lists it: no leading slash."""
    return files(image)
