"""Twelve tables, unlike each other, become images, or are refused in a sentence that says why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.bundle import read
from ship.registry.layout import Layout
from tests.image.container import docker
from tests.support.checkouts.checkout import Checkout
from tests.support.checkouts.fork import Fork
from tests.support.models import tables
from tests.support.models.tables import REFUSED, TABLES
from tests.support.names import RUN

pytestmark = pytest.mark.engine


@pytest.fixture
def fork(tmp_path: Path) -> Iterator[Fork]:
    """The tool, beside a repository for the tables; their images leave the engine again."""
    for name in ("fork", "shop"):
        (tmp_path / name).mkdir()
    fork = Fork(tmp_path / "fork")
    fork.commit()
    yield fork
    docker("rmi", "--force", *(f"{name}_{RUN}:dev" for name in TABLES), check=False)


def run_pipeline(fork: Fork, *names: str) -> tuple[int, str]:
    """Run the pipeline on these tables; return its exit code and all that it printed."""
    shop = Checkout(fork.root.parent / "shop")
    (shop.root / ".gitignore").write_text("__pycache__/\n")
    tables.write(shop.root, *names, suffix=f"_{RUN}")
    shop.commit()
    process = fork.make("pipeline", MODELS="../shop")
    return process.returncode, process.stdout + process.stderr


def assert_published(fork: Fork, name: str, output: str) -> None:
    """Assert that a table became an image under its branch, which passed every test."""
    model = f"{name}_{RUN}"
    assert f"{model} failed" not in output, output
    assert Layout(fork.root / "dist" / "registry" / model).resolve("main"), output
    assert read(fork.root / "dist" / model / "bundle").manifest.gate.passed


@pytest.mark.nightly
def test_twelve_tables_become_images_or_are_refused(fork: Fork) -> None:
    """Each table ends in an image that passed every test, or in one sentence that says why not."""
    assert len(TABLES) == 12
    code, output = run_pipeline(fork, *TABLES)
    for name in TABLES:
        if name in REFUSED:
            assert f"{name}_{RUN} failed in train" in output, output
            assert REFUSED[name] in output
        else:
            assert_published(fork, name, output)
    assert code != 0
