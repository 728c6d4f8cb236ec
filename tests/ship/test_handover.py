"""What one job hands to the next is named by its hash, and nothing else is taken for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from model.bundle import Bundle, BundleError
from ship.build import Build
from ship.errors import StageError
from ship.pipeline import Outcome, bundle_hash, refuse_other_bundle, shipment
from tests.ship.conftest import MakeArchive


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


@pytest.mark.parametrize("named", [{"arm64": "its own"}, {"amd64": "another"}, {"amd64": "its own",
                                   "arm64": "its own"}])  # fmt: skip
def test_publishing_refuses_images_that_were_not_tested(
    named: dict[str, str], build: Build, make_archive: MakeArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another digest, another architecture, and one that is missing end it."""
    archive = make_archive("tested")
    digests = {
        machine: archive.digest if digest == "its own" else f"sha256:{'0' * 64}"
        for machine, digest in named.items()
    }
    monkeypatch.setenv("DIGESTS", json.dumps(digests))
    with pytest.raises(StageError, match="must be those that were tested"):
        shipment(Outcome(build, images=archive.path.parent))
