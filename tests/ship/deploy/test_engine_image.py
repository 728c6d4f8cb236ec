"""An image out of a folder: the very same, or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship.build.engine import write
from ship.errors import ShipError
from ship.pipeline.publish import publish
from ship.registry.layout import Layout
from ship.registry.oci_archive import Archive
from ship.tags import Tag
from tests.support.images.oci_archives import oci_archive


@pytest.fixture
def published(tmp_path: Path) -> tuple[Layout, Archive]:
    """A folder in which an image is published."""
    image = oci_archive(tmp_path / "image.tar", {"content.txt": b"one"}, {})
    layout = Layout(tmp_path / "layout")
    publish(image, [Tag("main")], layout)
    return layout, image


def test_archive_holds_the_image_by_its_digest(
    published: tuple[Layout, Archive], tmp_path: Path
) -> None:
    """What is loaded into the engine has the digest that was published."""
    layout, image = published
    write(layout.image(image.digest), "model-images/iris:one", tmp_path / "out.tar")
    assert Archive(tmp_path / "out.tar").manifest == image.manifest


def test_archive_refuses_a_layer_that_was_tampered_with(
    published: tuple[Layout, Archive], tmp_path: Path
) -> None:
    """A blob that is not what its name says is never loaded."""
    layout, image = published
    digest = image.layers[0]["digest"]
    (layout.folder / "blobs" / digest.replace(":", "/")).write_bytes(b"tampered")
    with pytest.raises(ShipError, match=f"blob {digest} must have that digest"):
        write(layout.image(image.digest), "model-images/iris:one", tmp_path / "out.tar")
