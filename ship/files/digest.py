"""Digests and descriptors (OCI image spec 1.1): what they must look like, and what they promise.

A document of an image leads to blobs by descriptors: media type, digest and size. Both are checked
before anything is done with them, and a blob is held against them before anything relies on it.
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
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")  # of an architecture, which ends in names of files


def checked(digest: Any, where: object) -> str:
    """Return a digest that somebody else wrote, which may end in a path or a command line."""
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
    """Return a blob; raise ShipError for one that is not what its digest says."""
    with io.BytesIO(content) as source:
        return Verified(source, digest, len(content), where).read()


class Verified:
    """A blob that is being read: it raises ShipError before its last byte is handed out as good."""

    def __init__(self, source: IO[bytes], digest: str, size: int, where: object) -> None:
        self.source = source
        self.digest = digest
        self.where = where
        self.left = size
        self.total = hashlib.sha256()
        if not size:
            self._end()

    def read(self, count: int = -1) -> bytes:
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
        if self.source.read(1):
            self._refuse("bytes too many")
        found = f"sha256:{self.total.hexdigest()}"
        if found != self.digest:
            self._refuse(found)

    def _refuse(self, found: str) -> None:
        raise ShipError(
            f"{self.where}: blob {self.digest} must have that digest, and the size that it is "
            f"listed with. Got {found} instead. Remove it, and make or fetch it again."
        )


def drain(blob: Verified) -> None:
    """Read a blob for nothing but its digest."""
    while blob.read(BLOCK):
        pass


def descriptor(found: Any, types: tuple[str, ...], where: object) -> dict[str, Any]:
    """Return mediaType, digest and size of what a document leads to, in a form to rely on."""
    if not isinstance(found, dict) or found.get("mediaType") not in types:
        kind = found.get("mediaType") if isinstance(found, dict) else found
        raise ShipError(
            f"{where}: a media type must be one of {', '.join(types)}. Got {str(kind)[:100]!r}."
        )
    size = found.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ShipError(f"{where}: a size must be a number of bytes. Got {str(size)[:100]!r}.")
    checked(found.get("digest"), where)
    return {key: found[key] for key in ("mediaType", "digest", "size")}


def refuse_other_than_strings(config: Any, where: object) -> None:
    """Raise ShipError for a configuration whose labels are not names and texts."""
    labels = (config.get("Labels") or {}) if isinstance(config, dict) else None
    if not isinstance(labels, dict) or not all(isinstance(each, str) for each in labels.values()):
        raise ShipError(f"{where}: labels must be texts. Got {str(config)[:100]!a} instead.")
