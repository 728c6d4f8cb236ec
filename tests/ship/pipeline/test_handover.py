"""What one job hands to the next is named by its hash, and nothing else is taken for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contract.bundle import Bundle, BundleError
from ship.build.build import Build
from ship.errors import StageError
from ship.pipeline.stages import bundle_hash, refuse_other_bundle


@pytest.fixture
def build(good: Bundle, tmp_path: Path) -> Build:
    """A build whose bundle has been brought here by another job."""
    build = Build("iris", "python:3.13", tmp_path)
    shutil.copytree(good.path, build.bundle)
    return build


@pytest.fixture
def judged(build: Build, monkeypatch: pytest.MonkeyPatch) -> Build:
    """The same, where the job that judged it has handed on its hash."""
    monkeypatch.setenv("BUNDLE_SHA256", bundle_hash(build))
    return build


def test_image_takes_the_bundle_that_was_judged(judged: Build) -> None:
    """Each of its files is what the judge has seen."""
    refuse_other_bundle(judged)


def test_image_refuses_another_bundle(judged: Build) -> None:
    """A bundle that something has put in the place of the judged one is not built around."""
    manifest = judged.bundle / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")
    with pytest.raises(StageError, match="must be the bundle that was judged"):
        refuse_other_bundle(judged)


def test_image_refuses_another_model_in_the_bundle(judged: Build) -> None:
    """A file beside the judged manifest that is not the manifest's ends it too."""
    with (judged.bundle / "examples.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(BundleError, match=r"examples\.json"):
        refuse_other_bundle(judged)


def test_image_takes_any_bundle_outside_a_workflow(build: Build) -> None:
    """Where one machine does it all, nothing is handed on, and nothing must be there."""
    shutil.rmtree(build.bundle)
    refuse_other_bundle(build)
