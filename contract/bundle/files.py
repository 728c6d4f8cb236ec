"""Files of a bundle, which may be a stranger's: regular ones, within a size, and no links."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

LARGEST = 2 * 1024**3  # bytes of a file: protobuf, and so ONNX, can hold no more
# No link is followed, and no pipe keeps its reader waiting.
FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class BundleError(Exception):
    """A bundle that must not be served: what is wrong with it, and the cure."""


def read_file(file: Path, most: int = LARGEST) -> bytes:
    """Return the content of a regular file of at most so many bytes."""
    with open_regular(file, most) as opened:
        return opened.read()


@contextmanager
def open_regular(file: Path, most: int) -> Iterator[BinaryIO]:
    """Open a file of at most `most` bytes without following a link.

    Raises FileNotFoundError, and BundleError for whatever else is no such file.
    """
    try:
        descriptor = os.open(file, FLAGS)
    except FileNotFoundError:
        raise
    except OSError as error:
        got = "a link" if file.is_symlink() else error.strerror
        raise BundleError(f"{file} must be a regular file. Got {got} instead.") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise BundleError(f"{file} must be a regular file. Got a folder or device instead.")
        if found.st_size > most:
            raise BundleError(
                f"{file} must have at most {most} bytes. Got {found.st_size} instead."
            )
        with open(descriptor, "rb", closefd=False) as opened:
            yield opened
    finally:
        os.close(descriptor)
