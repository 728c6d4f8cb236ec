"""Read files of a bundle, which may be a stranger's: regular ones, of limited size, no links."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from contract import regular_file

LARGEST = 2 * 1024**3  # bytes of a file: protobuf, and so ONNX, can hold no more


class BundleError(Exception):
    """A bundle that must not be served: what is wrong with it, and the cure."""


def read_file(file: Path, most: int = LARGEST) -> bytes:
    """Return the content of a regular file of at most `most` bytes.

    Raises as `open_regular` does.
    """
    with open_regular(file, most) as opened:
        return opened.read()


def open_regular(file: Path, most: int) -> AbstractContextManager[BinaryIO]:
    """Open a file of at most `most` bytes without following a link.

    Raises FileNotFoundError if it is absent, and BundleError if it is larger, unreadable or not
    a regular file.
    """
    return regular_file.open_regular(file, most, BundleError)
