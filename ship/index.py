"""One image for several platforms: an OCI index over images that hold the same bundle."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ship import contents
from ship.descriptor import NAME, decoded
from ship.digest import checked
from ship.errors import StageError, UsageError
from ship.oci import Archive

MEDIA_TYPE = "application/vnd.oci.image.index.v1+json"
ANNOTATED = "org.opencontainers.image."


@dataclass(frozen=True)
class Index:
    """What a pull picks its platform's image from; equal images give an equal digest."""

    archives: tuple[Archive, ...]

    @cached_property
    def content(self) -> bytes:
        shared = self.archives[0].labels
        index = {
            "schemaVersion": 2,
            "mediaType": MEDIA_TYPE,
            "manifests": [
                {**archive.descriptor, "platform": archive.platform} for archive in self.archives
            ],
            "annotations": {k: v for k, v in shared.items() if k.startswith(ANNOTATED)},
        }
        return json.dumps(index, sort_keys=True, separators=(",", ":")).encode()

    @cached_property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    @property
    def descriptor(self) -> dict[str, Any]:
        return {"mediaType": MEDIA_TYPE, "digest": self.digest, "size": len(self.content)}


Image = Archive | Index


def archives_of(image: Image) -> tuple[Archive, ...]:
    return image.archives if isinstance(image, Index) else (image,)


def handed_on() -> dict[str, str] | None:
    """Return the digest of each architecture's image, as the jobs that tested them handed it on.

    In a workflow IMAGES is filled by artifacts, whose names and contents a model's code may have
    had a hand in; the outputs of jobs it cannot write to are what counts.
    """
    text = os.environ.get("DIGESTS", "")
    if not text and "GITHUB_ACTIONS" not in os.environ:
        return None
    found = decoded(text.encode(), "DIGESTS")
    digests = {architecture: digest for architecture, digest in found.items() if digest != ""}
    for architecture, digest in digests.items():
        if not NAME.fullmatch(architecture):
            raise UsageError(f"DIGESTS must be of architectures. Got {architecture[:100]!r}.")
        checked(digest, f"DIGESTS: {architecture}")
    if not digests:
        raise UsageError("DIGESTS must name at least one image. Got none; test one: make smoke")
    return digests


def find(folder: Path, digests: dict[str, str] | None = None) -> list[Archive]:
    """Return the archives in `folder`, one for each architecture, in a folder of its name.

    Raises StageError unless they are those of `digests`, where that is given, and no others.
    """
    found = {path.parent: Archive(path) for path in sorted(folder.rglob("image.tar"))}
    if not found:
        raise UsageError(
            f"IMAGES must hold a folder with an image.tar per platform. {folder} does not."
        )
    if digests is not None:
        refuse_others(folder, {path.name: found.get(path) for path in folder.iterdir()}, digests)
        nested = [str(path) for path in found if path.parent != folder]
        if nested:
            raise StageError(f"{folder} must hold folders of images. Got {nested[0]} as well.")
    return list(found.values())


def refuse_others(folder: Path, found: dict[str, Archive | None], digests: dict[str, str]) -> None:
    if set(found) != set(digests):
        raise StageError(
            f"{folder} must hold the images of {', '.join(sorted(digests))}, and nothing else. "
            f"Got {', '.join(sorted(found))} instead; hand on what was tested, and run again."
        )
    for name, archive in found.items():
        if archive is None or (archive.architecture, archive.digest) != (name, digests[name]):
            got = f"{archive.digest} for {archive.architecture}" if archive else "none"
            raise StageError(f"{folder / name} must hold the image {digests[name]} for {name}, "
                             f"which was tested. Got {got} instead.")  # fmt: skip


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
    platforms = [json.dumps(archive.platform, sort_keys=True) for archive in archives]
    if len(set(platforms)) < len(platforms):
        raise StageError(
            f"Each image must be of a platform of its own. Got {', '.join(platforms)} instead."
        )
    bundles = {str(archive.path): bundle_of(archive) for archive in archives}
    if len(set(bundles.values())) > 1:
        raise StageError(
            f"The images of all platforms must hold the same bundle. {', '.join(bundles)} do not; "
            "train once, and build each with BUNDLE=."
        )


def bundle_of(archive: Archive) -> bytes:
    """Return the bundle's manifest, which has the hash of every other file of it."""
    return contents.folder(archive.blob, archive.digest, "/bundle").get("manifest.json", b"")
