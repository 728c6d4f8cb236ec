"""Tables of text, most often one row per line."""

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

CHARACTERS = 64 * 1024  # read at once; more takes memory and is no faster
LONGEST = 1024 * 1024  # characters of one line


class Lines(ABC):
    """Reads and writes text (`serve.bulk.row_format`), some thousands of lines at a time."""

    header = ""  # what to write before the first row

    def __init__(self, source: BinaryIO, target: BinaryIO) -> None:
        self.size = file_size(source)
        self.source = io.TextIOWrapper(source, encoding="utf-8-sig", newline="")
        self.target = target
        self.begun = ""  # what has been read, but not yielded as rows

    def start(self) -> None:
        """Write the header."""
        self.target.write(self.header.encode())

    def batches(self) -> Iterator[list[str]]:
        """Yield the rows, without their line ends; empty lines are none.

        Raises RowsRefused for a row that is too long, or text that is not UTF-8.
        """
        while text := self.read():
            rows, self.begun = self.split(self.begun + text)
            require_short(self.begun)
            yield rows
        rows, rest = self.split(f"{self.begun}\n")
        yield [*rows, rest.rstrip("\n")] if rest else rows

    def split(self, text: str) -> tuple[list[str], str]:
        """Return the rows that end in a text, and what has not ended yet."""
        *lines, rest = text.split("\n")
        return clean(lines), rest

    def read(self) -> str:
        """Return the next characters, "" at the end; raise RowsRefused unless they are UTF-8."""
        with refusing_other_encodings():
            return self.source.read(CHARACTERS)

    def separate(self, lines: list[str]) -> list[str]:
        """Return every row by itself: a line is one."""
        return lines

    def keep(self, lines: list[str], good: Sequence[bool]) -> list[str]:
        """Return the lines that are good."""
        return list(compress(lines, good))

    def write(self, lines: list[str], scores: Scores) -> None:
        """Write each line with its answer."""
        self.target.write("".join(self.answers(lines, scores)).encode())

    @abstractmethod
    def answers(self, lines: list[str], scores: Scores) -> Iterator[str]:
        """Yield each row with its answer, as a line."""

    def end(self) -> None:
        """Flush what was written."""
        self.target.flush()

    def share(self) -> float | None:
        """Return the part of the file that has been read, from 0 to 1; None for a pipe."""
        return os.lseek(self.source.fileno(), 0, os.SEEK_CUR) / self.size if self.size else None


def file_size(source: BinaryIO) -> int:
    """Return the size in bytes of a regular file, and 0 for a pipe."""
    status = os.fstat(source.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def require_short(line: str) -> str:
    """Return the line; raise RowsRefused if it is longer than LONGEST characters."""
    if len(line) > LONGEST:
        raise RowsRefused(
            f"A line must have at most {LONGEST:,} characters. Got more instead. "
            "Write each row in a line of its own, and close every quote"
        )
    return line


@contextmanager
def refusing_other_encodings() -> Iterator[None]:
    """Raise RowsRefused where the rows turn out not to be UTF-8."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise RowsRefused(
            f"The rows must be UTF-8. Got {error.reason} instead. Convert them to UTF-8"
        ) from error


def clean(lines: list[str]) -> list[str]:
    """Return the lines that are not empty, without carriage returns at their ends."""
    if any("\r" in line for line in lines):
        lines = [line.rstrip("\r") for line in lines]
    return list(filter(None, lines))
