"""The package of a kept evaluation: an OCI artifact in a repository beside the image's.

Its readers are chosen there, apart from the image's. The manifest of an image's bundle holds the
digest of the evaluation, from which the artifact's own digest follows: no name leads to it that
somebody else could make lead elsewhere. Its tag is that of the image, for people to find it by.
"""

from __future__ import annotations

import io
import json
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from contract.bundle import File
from ship.errors import StageError
from ship.files import digest
from ship.files.bounded import read_file, refuse_larger
from ship.registry.destination import Destination
from ship.registry.labels import EVALUATION_TYPE
from ship.registry.oci_archive import StoredImage

LARGEST = 2**30  # bytes of an evaluation
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
EMPTY = b"{}"  # OCI image spec 1.1, "Guidelines for Artifact Usage"
CONFIG = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest.of(EMPTY), "size": 2}


@dataclass(frozen=True)
class EvaluationPackage(StoredImage):
    """The artifact of one evaluation; `content` is empty where it is only to be found."""

    file: File
    content: bytes = b""
    path = Path("evaluation.json")

    @property
    def where(self) -> str:
        """The name of the file, for messages."""
        return str(self.path)

    @property
    def layer(self) -> dict[str, Any]:
        """The descriptor of the evaluation."""
        return {
            "mediaType": EVALUATION_TYPE,
            "digest": f"sha256:{self.file.sha256}",
            "size": self.file.bytes,
        }

    @cached_property
    def document(self) -> bytes:
        """The artifact's manifest as JSON, which follows from the evaluation alone."""
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": EVALUATION_TYPE,
                    "config": CONFIG, "layers": [self.layer]}  # fmt: skip
        return json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()

    @property
    def descriptor(self) -> dict[str, Any]:
        """The mediaType, digest and size of the artifact's manifest."""
        size = len(self.document)
        return {"mediaType": MANIFEST, "digest": digest.of(self.document), "size": size}

    @property
    def descriptors(self) -> list[dict[str, Any]]:
        """The descriptors of everything that the artifact consists of, the manifest last."""
        return [self.layer, CONFIG, self.descriptor]

    def raw(self, digest: str) -> AbstractContextManager[IO[bytes]]:
        """Open a blob, unverified."""
        blobs = {self.layer["digest"]: self.content, CONFIG["digest"]: EMPTY}
        return nullcontext(io.BytesIO(blobs.get(digest, self.document)))


def push(target: Destination, image: str, file: Path, expected: File) -> None:
    """Bring an evaluation to the repository beside `target`, under a tag of the image's digest.

    Raises StageError for a file that is not the one that the image's bundle names.
    """
    content = read_file(file, LARGEST)
    if digest.of(content) != f"sha256:{expected.sha256}":
        raise StageError(f"{file} must be the evaluation of the bundle in {image}, sha256 "
                         f"{expected.sha256}. Got another; train and judge again.")  # fmt: skip
    package, repository = EvaluationPackage(expected, content), target.beside()
    tag = image.replace(":", "-")
    if repository.resolve(tag) == package.digest:
        return
    repository.push(package)
    repository.tag(package, tag)
    print(f"  evaluation {package.digest} at {repository}", flush=True)


def fetch(target: Destination, expected: File, folder: Path) -> bytes:
    """Return the evaluation of these bytes from the repository beside `target`.

    Raises ShipError if it is not there, or not to be read, or larger than LARGEST.
    """
    refuse_larger(expected.bytes, LARGEST, "The bytes of an evaluation")
    package = EvaluationPackage(expected)
    stored = target.beside().local(package.digest, folder)
    return stored.blob(package.layer["digest"], LARGEST)
