"""Number 10: `make test` ran every estimator on the host, as root, beside the engine's socket."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from contract import models
from ship import git
from tests.attacks.conftest import attack
from tests.support.checkouts.fork import MODEL, Fork
from tests.support.models.folder import FOREST

pytestmark = pytest.mark.slow  # runs the words as programs

# Says which machine it ran on by what it leaves there, and that it ran at all by failing to train.
CANARY = """\
import pathlib

pathlib.Path({file!r}).parent.mkdir(parents=True, exist_ok=True)
pathlib.Path({file!r}).write_text("was here")
raise ValueError("the estimator of the attacker ran")
"""


def run_tests(fork: Fork, *options: str) -> str:
    """Run tests of the fork in its own folder, and return what they print."""
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
        cwd=fork.root, env={**os.environ, "PYTHONPATH": str(fork.root)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return process.stdout + process.stderr


@pytest.mark.engine
@pytest.mark.nightly
def test_tests_run_no_model_on_the_host(fork: Fork, tmp_path: Path) -> None:
    """The tests that put every model of the repository through a training do it in the builder."""
    left = tmp_path / "left-by-the-model"
    attack(fork, CANARY.format(file=str(left)))
    output = run_tests(fork, "tests/train/test_job.py", "-k", f"{MODEL} and passes_its_gate")
    assert "1 error" in output
    assert "the estimator of the attacker ran" in output  # in the builder
    assert not left.exists()


@pytest.mark.nightly
def test_tests_refuse_to_import_a_model(fork: Fork, tmp_path: Path) -> None:
    """A test that imports a model of the repository fails before its first line runs."""
    left = tmp_path / "left-by-the-model"
    attack(fork, CANARY.format(file=str(left)) + FOREST)
    (fork.root / "tests" / "test_forgetful.py").write_text(
        f"def test_model():\n    import model.{MODEL}.estimator\n"
    )
    output = run_tests(fork, "tests/test_forgetful.py")
    assert f"{MODEL}/estimator.py must run in a container alone" in output
    assert not left.exists()


@pytest.mark.nightly
def test_unit_tests_train_no_model_of_the_repository() -> None:
    """Tests without the builder train only models that the tests wrote themselves."""
    listed = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", "-m", "not engine",
         "-p", "no:cacheprovider", "tests/train"],
        cwd=git.TOOL, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "test_bundle_passes_its_gate[birds]" in listed
    for name in models.names():
        assert f"test_bundle_passes_its_gate[{name}]" not in listed
