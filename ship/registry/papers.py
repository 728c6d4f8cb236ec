"""What was written about an image when it was tested: an OCI artifact beside the evaluations.

A release carries it: SBOMs, reports, measurements, provenance. It names the image in an annotation
that its digest covers; who published the image has signed that digest too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ship.errors import ShipError
from ship.files import digest
from ship.files.bounded import LARGEST, decoded, refuse_larger
from ship.registry.artifact import Artifact
from ship.registry.destination import Destination
from ship.registry.image_files import verified
from ship.registry.labels import DIGEST, OURS, TITLE

FILE_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class Papers(Artifact):
    """The artifact of the files about one image, by their names."""

    image: str  # its digest
    files: Mapping[str, bytes]
    path = Path("papers")
    type = f"application/vnd.{OURS}papers.v1"

    @property
    def annotations(self) -> dict[str, str]:  # type: ignore[override]
        """What the files are about."""
        return {DIGEST: self.image}

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The descriptors of the files, each with its name."""
        return [
            {"mediaType": FILE_TYPE, "digest": digest.of(content), "size": len(content),
             "annotations": {TITLE: name}}
            for name, content in sorted(self.files.items())
        ]  # fmt: skip

    @property
    def contents(self) -> dict[str, bytes]:
        """The bytes of the files, by their digests."""
        return {digest.of(content): content for content in self.files.values()}


def tag_of(image: str) -> str:
    """Return the tag of the papers about an image's digest."""
    return f"papers-{image.replace(':', '-')}"


def fetch(target: Destination, image: str, papers: str, folder: Path) -> dict[str, bytes]:
    """Return the files about an image out of the artifact `papers`, each by its verified digest.

    Raises ShipError for an artifact that is about another image.
    """
    stored = target.beside().local(papers, folder)
    manifest = decoded(verified(target.beside().read, papers), tag_of(image))
    if (got := manifest.get("annotations", {}).get(DIGEST)) != image:
        raise ShipError(f"{papers} must be about {image}. Got {got!a} instead.")
    refuse_larger(sum(layer["size"] for layer in manifest["layers"]), LARGEST, "The papers' bytes")
    return {
        Path(layer["annotations"][TITLE]).name: stored.blob(layer["digest"], LARGEST)
        for layer in manifest["layers"]
    }
