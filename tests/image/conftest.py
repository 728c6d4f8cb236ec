"""The image under test, its bundle, and a container of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.bundle import Bundle, read
from ship.build.engine import load
from tests.image.container import Container, files, make_network


@pytest.fixture(scope="session")
def image(model_name: str, request: pytest.FixtureRequest) -> str:
    """The id of the image in the engine: the one given, or built for the occasion."""
    given: str | None = request.config.getoption("--image")
    return given or load(request.getfixturevalue("built").archive)


@pytest.fixture(scope="session")
def bundle(image: str, request: pytest.FixtureRequest) -> Bundle:
    """The bundle that the image was built from."""
    given: Path | None = request.config.getoption("--bundle")
    return read(given or request.getfixturevalue("built").bundle)


@pytest.fixture(scope="session")
def container(image: str) -> Iterator[Container]:
    """A ready container on a hostile host, shared by the tests that only ask it things."""
    make_network()
    with Container(image) as running:
        yield running.wait_ready()


@pytest.fixture(scope="session")
def image_files(image: str, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The path of every file in the image, as tar lists it: no leading slash."""
    return files(image, tmp_path_factory.mktemp("export"))
