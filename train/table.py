"""A CSV file as columns of text, before anything is known about what they mean."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import NamedTuple

from model.errors import ModelError

DELIMITERS = ",;\t|"


class Table(NamedTuple):
    """Named columns of equal length; `delimiter` is what the file used."""

    columns: dict[str, list[str]]
    rows: int
    delimiter: str


def parse(content: bytes, where: str) -> Table:
    """Parse CSV bytes; `where` names the file in the messages of a ModelError."""
    text = decode(content, where)
    delimiter = guess_delimiter(text)
    csv.field_size_limit(2**31 - 1)
    records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    lines = [record for record in records if record]  # the csv module gives [] for an empty line
    if not lines:
        raise ModelError(where, "a CSV table with a header", "an empty file", "Check the file.")
    header = check_header([name.strip() for name in lines[0]], where)
    check_widths(header, lines[1:], where)
    if len(lines) == 1:
        raise ModelError(where, "a header and rows", "a header only", "Check the file.")
    cells = [[cell.strip() for cell in column] for column in zip(*lines[1:], strict=True)]
    return Table(dict(zip(header, cells, strict=True)), len(lines) - 1, delimiter)


def decode(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte 0x{content[error.start]:02x} at position {error.start}"
        cure = "Convert it: iconv -f WINDOWS-1252 -t UTF-8 IN > OUT"
        raise ModelError(where, "a CSV table in UTF-8", found, cure) from error


def guess_delimiter(text: str) -> str:
    """Return the delimiter that occurs most often in the header; a comma where none does."""
    header = text.lstrip("\r\n").split("\n", 1)[0]
    counts = Counter(header)
    return max(DELIMITERS, key=lambda delimiter: counts[delimiter])


def check_header(header: list[str], where: str) -> list[str]:
    counts = Counter(header)
    for position, name in enumerate(header, start=1):
        if not name:
            expected = "a header with a name for every column"
            cure = "Name the column or remove it."
            raise ModelError(where, expected, f"no name for column {position}", cure)
        if counts[name] > 1:
            expected = "a header without duplicates"
            cure = "Rename or remove all but one."
            raise ModelError(where, expected, f"{name!r} {counts[name]} times", cure)
    return header


def check_widths(header: list[str], rows: list[list[str]], where: str) -> None:
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            expected = f"a table with {len(header)} cells in every row, as in its header"
            found = f"{len(row)} cells in row {number} (not counting the header)"
            raise ModelError(where, expected, found, "Mend that row, or quote its cells.")
