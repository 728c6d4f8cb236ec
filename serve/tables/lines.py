"""Text as lists of lines, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from serve.errors import RowsRefused

CHARACTERS = 512 * 1024


def batches(source: TextIO) -> Iterator[list[str]]:
    """Yield the lines of `source` that are not empty, without their ends; raise RowsRefused."""
    rest = ""
    while text := read(source):
        lines = (rest + text).split("\n")
        rest = lines.pop()
        yield clean(lines)
    yield clean([rest])


def read(source: TextIO) -> str:
    try:
        return source.read(CHARACTERS)
    except UnicodeDecodeError as error:
        raise RowsRefused(f"The rows must be UTF-8. Got {error.reason} instead.") from error


def clean(lines: list[str]) -> list[str]:
    lines = [line.rstrip("\r") for line in lines] if any("\r" in line for line in lines) else lines
    return list(filter(None, lines))
