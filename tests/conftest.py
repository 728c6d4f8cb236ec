"""Options and fixtures that several folders of tests share."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from contract import models
from ship.build import base_image
from ship.build.build import make_image, train
from ship.build.workspace import Workspace
from tests.support.terminal import disarm

pytest_plugins = [
    "tests.support.checkouts.fixtures",
    "tests.support.github.fixtures",
    "tests.support.images.fixtures",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("images", "one built image (the pipeline's smoke stage sets these)")
    group.addoption("--model", help="test this model's image only")
    group.addoption("--image", help="the image in the engine; default: build it")
    group.addoption("--bundle", type=Path, help="the bundle that the image was built from")


def pytest_configure() -> None:
    """Refuse to run what stands in `model/*/`: it is somebody's code, and this is the host."""
    folders = tuple(f"{models.root() / name}/" for name in models.names())

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        code = arguments[0] if event == "exec" else None
        if isinstance(code, CodeType) and code.co_filename.startswith(folders):
            raise RuntimeError(f"{code.co_filename} must run in a container alone. Train it there.")

    sys.addaudithook(refuse)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Print nothing of a container or a build that a terminal or a workflow's runner obeys."""
    report = yield
    disarm(report)
    return report


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Put every model through every test that asks for one."""
    if "model_name" in metafunc.fixturenames:
        only = metafunc.config.getoption("--model")
        metafunc.parametrize("model_name", [only] if only else models.names(), scope="session")


@pytest.fixture(scope="session")
def python_image() -> str:
    """The base image of this machine."""
    return base_image.resolve()


@pytest.fixture(scope="session")
def built(model_name: str, python_image: str) -> Workspace:
    """A model's bundle and image, built from the working tree."""
    return build_model(model_name, python_image)


def build_model(name: str, python_image: str) -> Workspace:
    build = Workspace(name, python_image)
    train(build)
    make_image(build)
    return build
