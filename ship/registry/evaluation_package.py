"""The package of a kept evaluation: an OCI artifact in a repository beside the image's.

Its readers are chosen there, apart from the image's. The manifest of an image's bundle holds the
digest of the evaluation, from which the artifact's own digest follows: no name leads to it that
somebody else could make lead elsewhere. Its tag is that of the image, for people to find it by.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.bundle import File
from ship.errors import StageError
from ship.files import digest
from ship.files.bounded import read_file, refuse_larger
from ship.registry.artifact import Artifact
from ship.registry.destination import Destination
from ship.registry.labels import EVALUATION_TYPE

LARGEST = 2**30  # bytes of an evaluation


@dataclass(frozen=True)
class EvaluationPackage(Artifact):
    """The artifact of one evaluation; `content` is empty where it is only to be found."""

    file: File
    content: bytes = b""
    path = Path("evaluation.json")
    type = EVALUATION_TYPE

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The descriptor of the evaluation."""
        return [{"mediaType": EVALUATION_TYPE, "digest": self.blob_digest, "size": self.file.bytes}]

    @property
    def blob_digest(self) -> str:
        """The digest of the evaluation itself, as the bundle's manifest has it."""
        return f"sha256:{self.file.sha256}"

    @property
    def contents(self) -> dict[str, bytes]:
        """The evaluation by its digest."""
        return {self.blob_digest: self.content}


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
    return stored.blob(package.blob_digest, LARGEST)
