"""Tables of text, one row per line."""

from __future__ import annotations

import io
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import compress
from typing import BinaryIO

from serve.errors import RowsRefused
from serve.inference.scores import Scores

CHARACTERS = 64 * 1024  # at once: more takes memory and is no faster
LONGEST = 1024 * 1024  # characters of one line


class Lines(ABC):
    """Reads and writes lines, a batch at a time."""

    header = ""  # what to write before the first row

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self.size = file_size(source)
        self.source = io.TextIOWrapper(source, encoding="utf-8-sig", newline="\n")
        self.target = target

    def start(self) -> None:
        self.target.write(self.header.encode())

    def first_line(self) -> str:
        """Return the first line, without its end; raise RowsRefused."""
        with refusing_other_encodings():
            return require_short(self.source.readline(LONGEST + 1)).rstrip("\r\n")

    def batches(self) -> Iterator[list[str]]:
        """Yield the lines that are not empty, without their ends; raise RowsRefused."""
        rest = ""
        while text := self.read():
            lines = (rest + text).split("\n")
            rest = require_short(lines.pop())
            yield clean(lines)
        yield clean([rest])

    def read(self) -> str:
        with refusing_other_encodings():
            return self.source.read(CHARACTERS)

    def each(self, lines: list[str]) -> list[str]:
        return lines

    def keep(self, lines: list[str], good: Sequence[bool]) -> list[str]:
        return list(compress(lines, good))

    def write(self, lines: list[str], scores: Scores) -> None:
        self.target.write("".join(self.answers(lines, scores)).encode())

    @abstractmethod
    def answers(self, lines: list[str], scores: Scores) -> Iterator[str]:
        """Yield each row with its answer, as a line."""

    def end(self) -> None:
        self.target.flush()

    def share(self) -> float | None:
        return os.lseek(self.source.fileno(), 0, os.SEEK_CUR) / self.size if self.size else None


def file_size(source: BinaryIO) -> int:
    """Return the size of a regular file, and 0 for a pipe."""
    status = os.fstat(source.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def require_short(line: str) -> str:
    if len(line) > LONGEST:
        raise RowsRefused(
            f"A line must have at most {LONGEST:,} characters. Got more instead. "
            "Write each row in a line of its own"
        )
    return line


@contextmanager
def refusing_other_encodings() -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise RowsRefused(
            f"The rows must be UTF-8. Got {error.reason} instead. Convert them to UTF-8"
        ) from error


def clean(lines: list[str]) -> list[str]:
    if any("\r" in line for line in lines):
        lines = [line.rstrip("\r") for line in lines]
    return list(filter(None, lines))
