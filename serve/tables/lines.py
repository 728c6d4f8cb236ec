"""Text as lists of lines, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from serve.errors import RowsRefused

CHARACTERS = 512 * 1024


def first_line(source: TextIO) -> str:
    """Return the first line, without its end; raise RowsRefused."""
    with refusing_other_encodings():
        return source.readline().rstrip("\r\n")


def batches(source: TextIO) -> Iterator[list[str]]:
    """Yield the lines of `source` that are not empty, without their ends; raise RowsRefused."""
    rest = ""
    while text := read(source):
        lines = (rest + text).split("\n")
        rest = lines.pop()
        yield clean(lines)
    yield clean([rest])


def read(source: TextIO) -> str:
    with refusing_other_encodings():
        return source.read(CHARACTERS)


@contextmanager
def refusing_other_encodings() -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise RowsRefused(f"The rows must be UTF-8. Got {error.reason} instead.") from error


def clean(lines: list[str]) -> list[str]:
    if any("\r" in line for line in lines):
        lines = [line.rstrip("\r") for line in lines]
    return list(filter(None, lines))
