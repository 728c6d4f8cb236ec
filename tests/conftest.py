"""Options and fixtures that several folders of tests share."""

from __future__ import annotations

import fcntl
import os
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from contract import models
from ship.build import base_image
from ship.build.build import make_image, train
from ship.build.workspace import Workspace
from tests.support.checkouts.checkout import Checkout
from tests.support.models.folder import RATIOS, Folder
from tests.support.terminal import disarm

CASES = pytest.StashKey[Counter[str]]()  # how many of each test have been collected
JOBLIB = "ratios"  # what the repository holds is all converted to ONNX

# As in training: on busy cores, threads that wait for each other take minutes instead of seconds.
os.environ["OMP_NUM_THREADS"] = "1"  # read when scikit-learn is imported

pytest_plugins = [
    "tests.support.checkouts.fixtures",
    "tests.support.github.fixtures",
    "tests.support.images.fixtures",
    "tests.support.shards",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options by which the smoke stage names its image."""
    group = parser.getgroup("images", "one built image (the pipeline's smoke stage sets these)")
    group.addoption("--model", help="test this model's image only")
    group.addoption("--image", help="the image in the engine; default: build it")
    group.addoption("--results", type=Path, help="the folder that holds its results")


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


def pytest_itemcollected(item: pytest.Item) -> None:
    """Leave to the night what comes after the first cases that a test's marker `daily` names."""
    mark = item.get_closest_marker("daily")
    if mark and isinstance(item, pytest.Function):
        cases = item.config.stash.setdefault(CASES, Counter())
        test = f"{item.path}::{item.originalname}"
        cases[test] += 1
        if cases[test] > mark.args[0]:
            item.add_marker(pytest.mark.nightly)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no worker is left with it when the others are done."""
    modules = {
        mark: {item.path for item in items if item.get_closest_marker(mark)}
        for mark in ("engine", "slow")
    }
    items.sort(
        key=lambda item: (
            "workflows" not in item.path.parts,
            item.path not in modules["engine"],
            item.path not in modules["slow"],
        )
    )


@pytest.fixture(scope="session")
def python_image() -> str:
    """The base image of this machine."""
    return base_image.resolve()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run: all its workers have the same one, and no other run has it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


BuildModel = Callable[..., Workspace]


@pytest.fixture(scope="session")
def build_model(python_image: str, shared: Path) -> BuildModel:
    """Build a model's bundle and image, once in a run, in whichever worker asks first.

    `root` is the folder of the models, in a checkout; by default this repository's.
    """

    def build(name: str, root: Path | None = None) -> Workspace:
        workspace = Workspace(name, python_image, shared)
        with locked(shared / f"{name}.lock"), pytest.MonkeyPatch.context() as patch:
            if root:
                patch.setenv("MODELS", str(root))
            if not workspace.archive.path.exists():
                train(workspace)
                make_image(workspace)
        return workspace

    return build


@pytest.fixture(scope="session")
def ratios(build_model: BuildModel, shared: Path) -> Workspace:
    """A model that ONNX cannot hold, its bundle and its image: in a checkout of nothing else."""
    root = shared / "checkout"
    with locked(shared / f"{JOBLIB}.written"):
        if not root.exists():
            (root / JOBLIB).mkdir(parents=True)
            rows = [f"{row % 7 + 1},{row % 5 + 1},{'ab'[row % 7 > row % 5]}" for row in range(200)]
            csv = "\n".join(["width,height,shape", *rows, ""])
            Folder(root / JOBLIB).write(csv, estimator=RATIOS)
            Checkout(root).commit()
    return build_model(JOBLIB, root)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock that every process of the run asks for."""
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
