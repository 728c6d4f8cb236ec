"""What an image is, is read from every image that its digest stands for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ship.errors import ShipError, StageError
from ship.files.digest import of
from ship.registry.layout import Layout
from ship.supply_chain.identity import identify
from tests.support.images.oci_archives import MakeArchive

ATTESTATION = {"digest": of(b"{}"), "platform": {"architecture": "unknown", "os": "unknown"}}


def add_index(target: Layout, *images: dict[str, Any], **fields: str) -> str:
    """Write an index of the images into a layout, and return its digest."""
    content = json.dumps({"schemaVersion": 2, "manifests": images, **fields}).encode()
    target.folder.mkdir(exist_ok=True)
    file = target.folder / "blobs" / of(content).replace(":", "/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return of(content)


def test_index_counts_as_one_without_a_media_type(
    tmp_path: Path, make_archive: MakeArchive
) -> None:
    """The OCI image spec leaves it out: an index must not pass for its image of this machine."""
    target = Layout(tmp_path / "layout")
    archives = [make_archive("one"), make_archive("two", "arm64", **{"model-images.model": "wine"})]
    for archive in archives:
        target.push(archive)
    index = add_index(target, *({**a.descriptor, "platform": a.platform} for a in archives))
    with pytest.raises(StageError, match=r"All platforms of .* must be one and the same"):
        identify(target, index)


def test_attestation_of_buildkit_is_no_platform(tmp_path: Path, make_archive: MakeArchive) -> None:
    """BuildKit lists it beside the images; it has no labels, and nothing runs it."""
    target, archive = Layout(tmp_path / "layout"), make_archive("one")
    target.push(archive)
    image = {**archive.descriptor, "platform": archive.platform}
    index = add_index(target, image, ATTESTATION)
    assert identify(target, index) == identify(target, archive.digest)


def test_index_without_an_image_is_refused(tmp_path: Path) -> None:
    """What can run nowhere is nobody's model."""
    target = Layout(tmp_path / "layout")
    index = add_index(target, ATTESTATION)
    with pytest.raises(ShipError, match="must be an image, or list one"):
        identify(target, index)
