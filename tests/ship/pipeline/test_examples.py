"""Each example becomes an image that passed every test, with no more in it than it imports."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.bundle import read
from contract.models import names
from ship import git
from ship.registry.layout import Layout
from tests.image.container import docker
from tests.support.checkouts.fork import Fork

pytestmark = [pytest.mark.engine, pytest.mark.nightly]

EXAMPLES = git.TOOL / "examples"
RUNTIMES = {"catboost": "joblib", "lightgbm": "onnx", "xgboost": "onnx"}


@pytest.fixture
def fork(tmp_path: Path) -> Iterator[Fork]:
    """The tool with its examples; their images leave the engine again."""
    fork = Fork(tmp_path)
    fork.commit()
    yield fork
    docker("rmi", "--force", *(f"{name}:dev" for name in RUNTIMES), check=False)


def installed(name: str) -> set[str]:
    """Return the folders of packages in an example's image."""
    command = ["docker", "run", "--rm", "--entrypoint", "ls", f"{name}:dev", "/opt/packages"]
    return set(subprocess.check_output(command, text=True).split())


def test_every_example_becomes_an_image(fork: Fork) -> None:
    """Boosters become ONNX, without any booster in the image; CatBoost of words brings itself."""
    assert names(EXAMPLES) == sorted(RUNTIMES)
    fork.run("pipeline", MODELS="examples")
    for name, runtime in RUNTIMES.items():
        assert Layout(fork.root / "dist" / "registry" / name).resolve("main")
        manifest = read(fork.root / "dist" / name / "bundle").manifest
        assert (manifest.gate.passed, manifest.runtime) == (True, runtime)
        assert {"catboost", "lightgbm", "xgboost-cpu"} & manifest.libraries.keys()
        assert not {"lightgbm", "xgboost", "matplotlib", "plotly"} & installed(name)
    assert "catboost" in installed("catboost")


def test_catboost_of_numbers_becomes_onnx(fork: Fork) -> None:
    """Without categories CatBoost's trees are numbers, which the graph holds exactly."""
    folder = fork.root / "examples/catboost"
    for name in ("model.toml", "estimator.py"):
        lines = (folder / name).read_text().splitlines(keepends=True)
        kept = [line for line in lines if "categorical" not in line and "cat_features" not in line]
        (folder / name).write_text("".join(kept))
    fork.run("train", MODELS="examples", MODEL="catboost")
    manifest = read(fork.root / "dist/catboost/bundle").manifest
    assert manifest.runtime == "onnx", manifest.runtime_reason
    assert manifest.parity
    assert manifest.parity.rows >= 20_000
    assert manifest.parity.is_equal


def test_a_lock_of_other_versions_is_refused_before_anything_is_built(fork: Fork) -> None:
    """What nobody locked again is one sentence with its cure, and publishes nothing."""
    lock = fork.root / "examples/xgboost/requirements.txt"
    lock.write_text(lock.read_text().replace("numpy==", "numpy==0."))
    process = fork.make("pipeline", MODELS="examples", MODEL="xgboost")
    assert process.returncode
    assert "Run: make lock MODEL=xgboost" in process.stdout
    (fork.root / "examples/xgboost/requirements.in").write_text("numpy<1\n")
    process = fork.make("lock", MODELS="examples", MODEL="xgboost")
    assert process.returncode
    assert "must name packages that have wheels and fit the tool's own" in process.stderr
    assert not (fork.root / "dist/registry/xgboost").exists()
