"""Digests of blobs: what one looks like, and whether a blob is what its digest and size say."""

from __future__ import annotations

import hashlib
import re
from typing import IO, Any

from ship.errors import ShipError

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
BLOCK = 2**20  # bytes


def checked(digest: Any, where: object) -> str:
    """Return a digest that somebody else wrote, which may end in a path or a command line."""
    if not isinstance(digest, str) or not DIGEST.fullmatch(digest):
        raise ShipError(
            f"{where}: a digest must be sha256: and 64 hexadecimal digits. "
            f"Got {str(digest)[:100]!r} instead."
        )
    return digest


def of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


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
