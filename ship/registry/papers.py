"""What was written about an image when it was tested: an OCI artifact beside the evaluations.

A release carries it: SBOMs, reports, measurements, provenance. It names the image in an annotation
that its digest covers; who published the image has signed that digest too.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from ship.errors import ShipError
from ship.files import digest
from ship.files.bounded import LARGEST, decoded, refuse_larger
from ship.registry.destination import Destination
from ship.registry.evaluation_package import CONFIG, EMPTY, MANIFEST
from ship.registry.image_files import verified
from ship.registry.labels import DIGEST, OURS, TITLE
from ship.registry.oci_archive import StoredImage

TYPE = f"application/vnd.{OURS}papers.v1"
FILE_TYPE = "application/octet-stream"


@dataclass(frozen=True)
class Papers(StoredImage):
    """The artifact of the files about one image, by their names."""

    image: str  # its digest
    files: Mapping[str, bytes]
    path = Path("papers")

    @property
    def where(self) -> str:
        """The name of the files, for messages."""
        return str(self.path)

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The descriptors of the files, each with its name."""
        return [
            {"mediaType": FILE_TYPE, "digest": digest.of(content), "size": len(content),
             "annotations": {TITLE: name}}
            for name, content in sorted(self.files.items())
        ]  # fmt: skip

    @cached_property
    def document(self) -> bytes:
        """The artifact's manifest as JSON, which follows from the image and the files."""
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": TYPE,
                    "config": CONFIG, "layers": self.layers,
                    "annotations": {DIGEST: self.image}}  # fmt: skip
        return json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()

    @property
    def descriptor(self) -> dict[str, Any]:
        """The mediaType, digest and size of the artifact's manifest."""
        size = len(self.document)
        return {"mediaType": MANIFEST, "digest": digest.of(self.document), "size": size}

    @property
    def descriptors(self) -> list[dict[str, Any]]:
        """The descriptors of everything that the artifact consists of, the manifest last."""
        distinct = {layer["digest"]: layer for layer in self.layers}
        return [*distinct.values(), CONFIG, self.descriptor]

    def raw(self, digest_of_blob: str) -> AbstractContextManager[IO[bytes]]:
        """Open a blob, unverified."""
        blobs = {digest.of(content): content for content in self.files.values()}
        blobs |= {digest.of(EMPTY): EMPTY, digest.of(self.document): self.document}
        return nullcontext(io.BytesIO(blobs[digest_of_blob]))


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
