"""Limit how much is read of a file that somebody else wrote, whatever size it claims."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any

from contract.regular_file import open_regular
from ship.errors import ShipError

LARGEST = 2 * 2**30  # bytes of a blob that is read into memory
DOCUMENT = 4 * 2**20  # bytes of a manifest or a configuration, which registries bound as well
EVIDENCE = 64 * 2**20  # bytes of a report or an SBOM


def refuse_larger(number: int, limit: int, name: str) -> None:
    """Check a size or number; raise ShipError if it exceeds the limit."""
    if number > limit:
        raise ShipError(f"{name} must be at most {limit}. Got {number} instead.")


class Bounded:
    """A file inside an untrusted tar, whose header may claim any size."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.file = file
        self.name = name

    def read(self, size: int) -> bytes:
        """Return `size` bytes; raise ShipError if that is more than LARGEST."""
        refuse_larger(size, LARGEST, f"{self.name}: bytes of one member")
        return self.file.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def read_file(file: Path, limit: int = EVIDENCE) -> bytes:
    """Read a small file; raise ShipError for one that is absent, larger, or no regular file."""
    try:
        with open_regular(file, limit, ShipError) as opened:
            return opened.read()
    except FileNotFoundError as error:
        raise ShipError(f"{file} must be a readable file. Got instead: {error.strerror}") from error


def decoded(content: bytes, where: object) -> dict[str, Any]:
    """Return the JSON object that somebody else wrote; raise ShipError for anything else."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ShipError(f"{where} must hold JSON. Got instead: {error}") from error
    if not isinstance(document, dict):
        raise ShipError(f"{where} must hold a JSON object. Got {str(document)[:100]!r} instead.")
    return document
