"""Check digests and descriptors (OCI image spec 1.1), and blobs against them.

A document of an image refers to blobs by descriptors: media type, digest and size. Each descriptor
is checked before it is followed, and each blob is checked against it before it is used.
"""

from __future__ import annotations

import hashlib
import io
import re
from typing import IO, Any

from ship.errors import ShipError

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
BLOCK = 2**20  # bytes
MANIFESTS = ("application/vnd.oci.image.manifest.v1+json",
             "application/vnd.docker.distribution.manifest.v2+json")  # fmt: skip
CONFIGS = ("application/vnd.oci.image.config.v1+json",
           "application/vnd.docker.container.image.v1+json")  # fmt: skip
LAYERS = ("application/vnd.oci.image.layer.v1.tar",
          "application/vnd.oci.image.layer.v1.tar+gzip",
          "application/vnd.docker.image.rootfs.diff.tar.gzip")  # fmt: skip
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")  # of an architecture, which becomes a part of file names


def require_digest(digest: Any, where: object) -> str:
    """Return a digest that somebody else wrote, which may become a part of a path or a command.

    Raises ShipError for one that is malformed.
    """
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise ShipError(
            f"{where}: a digest must be sha256: and 64 hexadecimal digits. "
            f"Got {str(digest)[:100]!r} instead."
        )
    return digest


def of(content: bytes) -> str:
    """Return the digest of a blob."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def require(content: bytes, digest: str, where: object) -> bytes:
    """Return a blob; raise ShipError if its digest is another."""
    with io.BytesIO(content) as source:
        return CheckedBlob(source, digest, len(content), where).read()


class CheckedBlob:
    """A blob that is checked while it is read: its last byte is not returned unless all are right.

    Reading raises ShipError for another digest or size.
    """

    def __init__(self, source: IO[bytes], digest: str, size: int, where: object) -> None:
        self.source = source
        self.digest = digest
        self.where = where
        self.left = size
        self.total = hashlib.sha256()
        if not size:
            self._end()

    def read(self, count: int = -1) -> bytes:
        """Return up to `count` bytes.

        Raises ShipError at the end of a blob that is not as listed.
        """
        wanted = self.left if count < 0 else min(count, self.left)
        block = self.source.read(wanted)
        self.total.update(block)
        self.left -= len(block)
        if len(block) < wanted:
            self._refuse(f"{self.left} bytes too few")
        if not self.left:
            self._end()
        return block

    def _end(self) -> None:
        """Check the digest at the end."""
        if self.source.read(1):
            self._refuse("bytes too many")
        digest = f"sha256:{self.total.hexdigest()}"
        if digest != self.digest:
            self._refuse(digest)

    def _refuse(self, got: str) -> None:
        """Raise the ShipError of this blob."""
        raise ShipError(
            f"{self.where}: blob {self.digest} must have that digest, and the size that it is "
            f"listed with. Got {got} instead. Remove it, and make or fetch it again."
        )


def drain(blob: CheckedBlob) -> None:
    """Read a blob to its end, only to check it."""
    while blob.read(BLOCK):
        pass


def descriptor(entry: Any, types: tuple[str, ...], where: object) -> dict[str, Any]:
    """Return mediaType, digest and size of an untrusted descriptor.

    Raises ShipError for another media type, or a malformed digest or size.
    """
    if not isinstance(entry, dict) or entry.get("mediaType") not in types:
        kind = entry.get("mediaType") if isinstance(entry, dict) else entry
        raise ShipError(
            f"{where}: a media type must be one of {', '.join(types)}. Got {str(kind)[:100]!r}."
        )
    size = entry.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ShipError(f"{where}: a size must be a number of bytes. Got {str(size)[:100]!r}.")
    require_digest(entry.get("digest"), where)
    return {key: entry[key] for key in ("mediaType", "digest", "size")}


def refuse_other_than_strings(config: Any, where: object) -> None:
    """Check the labels of a configuration; raise ShipError unless all are texts."""
    labels = (config.get("Labels") or {}) if isinstance(config, dict) else None
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise ShipError(f"{where}: labels must be texts. Got {str(config)[:100]!a} instead.")
