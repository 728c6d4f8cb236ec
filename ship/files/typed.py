"""Read JSON that a stage wrote for a later one, by its type; refuse anything else."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec

from ship.errors import ShipError, StageError
from ship.files.bounded import read_file

Document = TypeVar("Document", bound=msgspec.Struct)


def read(file: Path, kind: type[Document], words: str) -> Document:
    """Return what `file` holds.

    Raises StageError, with the `make` words that write it, if it cannot.
    """
    try:
        content = read_file(file)
    except ShipError as error:
        raise StageError(f"{str(error).rstrip('.')}. Run: make {words}") from error
    return decode(content, kind, file, words)


def decode(content: bytes, kind: type[Document], file: Path, words: str) -> Document:
    """Return what `content`, read from `file`, holds; raise StageError as `read` does."""
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise StageError(
            f"{file} must be a {kind.__name__.lower()} of this revision. Got instead: {error}. "
            f"Run: make {words}"
        ) from error
