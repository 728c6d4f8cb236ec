"""An OCI index (image spec 1.1) over images for several platforms that hold the same bundle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from ship.errors import StageError
from ship.files.digest import of
from ship.registry import image_files
from ship.registry.labels import OCI
from ship.registry.oci_archive import Archive, StoredImage

MEDIA_TYPE = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True)
class Index:
    """An index from which a pull picks its platform's image; equal images give an equal digest."""

    archives: tuple[Archive, ...]

    @cached_property
    def content(self) -> bytes:
        """The index as JSON."""
        shared = self.archives[0].labels
        index = {
            "schemaVersion": 2,
            "mediaType": MEDIA_TYPE,
            "manifests": [
                {**archive.descriptor, "platform": archive.platform} for archive in self.archives
            ],
            "annotations": {k: v for k, v in shared.items() if k.startswith(OCI)},
        }
        return json.dumps(index, sort_keys=True, separators=(",", ":")).encode()

    @cached_property
    def digest(self) -> str:
        """The digest of the index."""
        return of(self.content)

    @property
    def descriptor(self) -> dict[str, Any]:
        """The mediaType, digest and size of the index."""
        return {"mediaType": MEDIA_TYPE, "digest": self.digest, "size": len(self.content)}


class Described(Protocol):
    """What a tag can name: an image, an index or an artifact that is there by its digest."""

    @property
    def digest(self) -> str:
        """The digest of its manifest or index."""

    @property
    def descriptor(self) -> dict[str, Any]:
        """The mediaType, digest and size of that."""


Image = Archive | Index
Content = StoredImage | Index  # what a repository takes: an image, or an artifact of another kind


def archives_of(image: Image) -> tuple[Archive, ...]:
    """Return the images of an index, or the image itself."""
    return image.archives if isinstance(image, Index) else (image,)


def stored_in(content: Content) -> tuple[StoredImage, ...]:
    """Return the images of an index, or what is stored itself."""
    return content.archives if isinstance(content, Index) else (content,)


def join(archives: list[Archive]) -> Image:
    """Return the image itself where there is one, else an index over all of them.

    Raises StageError for two images of one platform, and for images that hold different bundles.
    """
    ordered = sorted(archives, key=lambda archive: json.dumps(archive.platform, sort_keys=True))
    if len(ordered) == 1:
        return ordered[0]
    refuse_unequal(ordered)
    return Index(tuple(ordered))


def refuse_unequal(archives: list[Archive]) -> None:
    """Raise StageError for two images of one platform, and for different bundles."""
    platforms = [json.dumps(archive.platform, sort_keys=True) for archive in archives]
    if len(set(platforms)) < len(platforms):
        raise StageError(
            f"Each image must be of a platform of its own. Got {', '.join(platforms)} instead."
        )
    first, *others = (image_files.bundle(archive.blob, archive.digest) for archive in archives)
    if any(other != first for other in others):
        images = ", ".join(archive.where for archive in archives)
        raise StageError(
            f"The images of all platforms must hold the same bundle. {images} do not; "
            "train once, and build each with BUNDLE=."
        )
