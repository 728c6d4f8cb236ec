"""Publishing to an OCI layout and to a real registry: whole images by tag, or nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ship.errors import ShipError, StageError
from ship.pipeline import publish as publishing
from ship.pipeline.publish import publish, push
from ship.registry.destination import Destination
from ship.registry.layout import Layout
from ship.registry.remote import Registry
from ship.tags import Tag
from tests.support.images.oci_archives import MakeArchive

MAIN, RELEASE = Tag("main"), Tag("1.0.0", fixed=True)


@pytest.fixture(params=["layout", pytest.param("registry", marks=pytest.mark.engine)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Destination:
    """A fresh destination of each kind."""
    if request.param == "layout":
        return Layout(tmp_path / "layout")
    return Registry(f"{request.getfixturevalue('registry')}/{tmp_path.name.lower()}/iris")


class InterruptedTestError(Exception):
    """What a test throws to end a publish in the middle."""


def interrupt(*_: object) -> None:
    """Stop publishing at this point."""
    raise InterruptedTestError


def test_publish_sets_every_tag_to_the_tested_digest(
    target: Destination, make_archive: MakeArchive
) -> None:
    """The digest of the archive is the digest behind each tag, byte for byte."""
    archive = make_archive("one")
    publish(archive, [RELEASE, MAIN], target)
    assert [target.resolve(tag) for tag in ("1.0.0", "main")] == [archive.digest] * 2
    assert json.loads(target.read(archive.digest)) == archive.manifest


def test_publish_again_changes_nothing(target: Destination, make_archive: MakeArchive) -> None:
    """Publishing the same image under the same tags succeeds and leaves the same tags."""
    archive = make_archive("one")
    publish(archive, [RELEASE, MAIN], target)
    publish(archive, [RELEASE, MAIN], target)
    assert target.tags() == ["1.0.0", "main"]


def test_publish_after_push_copies_nothing(
    target: Destination, make_archive: MakeArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there by its digest is only given its tags."""
    archive = make_archive("one")
    push(archive, [MAIN], target)
    assert target.tags() == []
    monkeypatch.setattr(type(target), "push", interrupt)
    publish(archive, [MAIN], target)
    assert target.resolve("main") == archive.digest


def test_publish_refuses_to_overwrite_a_version(
    target: Destination, make_archive: MakeArchive
) -> None:
    """A version that is taken stays what it was, and no other tag moves either."""
    first, second = make_archive("one"), make_archive("two")
    publish(first, [RELEASE, MAIN], target)
    with pytest.raises(StageError, match=r"1\.0\.0 is published as sha256:.* and must stay so"):
        publish(second, [RELEASE, MAIN], target)
    assert [target.resolve(tag) for tag in ("1.0.0", "main")] == [first.digest] * 2


def test_publish_moves_a_branch(target: Destination, make_archive: MakeArchive) -> None:
    """A branch tag follows the newest image; the older one keeps its version tag."""
    first, second = make_archive("one"), make_archive("two")
    publish(first, [RELEASE, MAIN], target)
    publish(second, [MAIN], target)
    assert target.resolve("main") == second.digest
    assert target.resolve("1.0.0") == first.digest


def test_publish_interrupted_before_the_tags_leaves_nothing_reachable(
    target: Destination, make_archive: MakeArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended between the bytes and the tags, no tag exists; the next run finishes the job."""
    archive = make_archive("one")
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "set_tag", interrupt)
        with pytest.raises(InterruptedTestError):
            publish(archive, [RELEASE, MAIN], target)
    assert target.resolve("1.0.0") is None
    assert target.tags() == []
    publish(archive, [RELEASE, MAIN], target)
    assert target.tags() == ["1.0.0", "main"]


def test_layout_interrupted_while_copying_holds_no_partial_blob(
    tmp_path: Path, make_archive: MakeArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended within a blob, nothing stands under its digest; the next run copies it whole."""
    archive, target = make_archive("one"), Layout(tmp_path / "layout")
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", interrupt)
        with pytest.raises(InterruptedTestError):
            publish(archive, [MAIN], target)
    blobs = tmp_path / "layout" / "blobs" / "sha256"
    assert [file.name for file in blobs.iterdir() if not file.name.startswith(".")] == []
    publish(archive, [MAIN], target)
    assert target.resolve("main") == archive.digest


def test_publish_refuses_a_damaged_copy(tmp_path: Path, make_archive: MakeArchive) -> None:
    """A manifest that reads back differently is never tagged."""
    archive, target = make_archive("one"), Layout(tmp_path / "layout")
    target.push(archive)
    (target.folder / "blobs" / archive.digest.replace(":", "/")).write_bytes(b"{}")
    with pytest.raises(ShipError, match=f"blob {archive.digest} must have that digest"):
        publish(archive, [MAIN], target)
    assert target.tags() == []


@pytest.mark.engine
def test_layout_is_one_that_other_tools_read(tmp_path: Path, make_archive: MakeArchive) -> None:
    """Skopeo finds the same digest in the layout under the tag."""
    archive, target = make_archive("one"), Layout(tmp_path / "layout")
    publish(archive, [MAIN], target)
    command = ["skopeo", "inspect", "--format={{.Digest}}", f"oci:{target.folder}:main"]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    assert process.stdout.strip() == archive.digest


@pytest.mark.engine
@pytest.mark.nightly
def test_registry_that_does_not_answer_is_named(make_archive: MakeArchive) -> None:
    """A registry that cannot be reached fails the stage, naming it and the way to log in."""
    with pytest.raises(
        StageError, match=r"127\.0\.0\.1:9/iris must be a registry.*\n.*skopeo login"
    ):
        publish(make_archive("one"), [MAIN], Registry("127.0.0.1:9/iris"))
