"""Open files that may be a stranger's: regular ones, of limited size, and no links."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

# No link is followed, and opening a pipe does not block.
FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@contextmanager
def open_regular(file: Path, most: int, error: type[Exception]) -> Iterator[BinaryIO]:
    """Open a file of at most `most` bytes without following a link.

    Raises FileNotFoundError if it is absent, and `error` if it is larger, unreadable or not a
    regular file.
    """
    try:
        descriptor = os.open(file, FLAGS)
    except FileNotFoundError:
        raise
    except OSError as problem:
        got = "a link" if file.is_symlink() else problem.strerror
        raise error(f"{file} must be a regular file. Got {got} instead.") from problem
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise error(f"{file} must be a regular file. Got a folder or device instead.")
        if status.st_size > most:
            raise error(f"{file} must have at most {most} bytes. Got {status.st_size} instead.")
        with open(descriptor, "rb", closefd=False) as opened:
            yield opened
    finally:
        os.close(descriptor)
