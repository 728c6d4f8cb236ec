"""What one job hands to the next is named by its hash, and nothing else is taken for it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ship.build import Build
from ship.errors import StageError
from ship.pipeline import Outcome, refuse_other_bundle, shipment
from tests.ship.conftest import MakeArchive


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A build whose bundle has been brought here by another job."""
    build = Build("iris", "python:3.13", tmp_path)
    build.bundle.mkdir(parents=True)
    (build.bundle / "manifest.json").write_bytes(b"judged")
    return build


def test_image_takes_the_bundle_that_was_judged(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash that the judging job gave is that of the bundle; without one, any is taken."""
    refuse_other_bundle(build)
    monkeypatch.setenv("BUNDLE_SHA256", hashlib.sha256(b"judged").hexdigest())
    refuse_other_bundle(build)


def test_image_refuses_another_bundle(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle that something has put in the place of the judged one is not built around."""
    monkeypatch.setenv("BUNDLE_SHA256", hashlib.sha256(b"judged").hexdigest())
    (build.bundle / "manifest.json").write_bytes(b"forged")
    with pytest.raises(StageError, match="must be the bundle that was judged"):
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
