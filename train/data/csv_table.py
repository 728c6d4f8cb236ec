"""Read a CSV file as columns of text, before anything is known about their types."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from typing import NamedTuple

from contract.errors import ModelError

DELIMITERS = ",;\t|"
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class CsvColumns(NamedTuple):
    """Named columns of equal length; `delimiter` is what the file used."""

    columns: dict[str, list[str]]
    rows: int
    delimiter: str


def parse(content: bytes, where: str) -> CsvColumns:
    """Return the table in CSV bytes; `where` names the file in messages.

    Raises ModelError for a file that is empty, has no rows, is not UTF-8, repeats a name in the
    header, or has a row of another length.
    """
    text = decode(content, where)
    delimiter = guess_delimiter(text)
    csv.field_size_limit(2**31 - 1)
    records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    lines = [record for record in records if record]  # the csv module gives [] for an empty line
    if not lines:
        raise ModelError(where, "a CSV table with a header", "an empty file", "Check the file.")
    header = name_columns([name.strip() for name in lines[0]], where)
    check_widths(header, lines[1:], where)
    if len(lines) == 1:
        raise ModelError(where, "a header and rows", "a header only", "Check the file.")
    cells = [[cell.strip() for cell in column] for column in zip(*lines[1:], strict=True)]
    return CsvColumns(dict(zip(header, cells, strict=True)), len(lines) - 1, delimiter)


def decode(content: bytes, where: str) -> str:
    """Return the text; raise ModelError if the bytes are not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        got = f"byte 0x{content[error.start]:02x} at position {error.start}"
        likely = "UTF-16" if content[:2] in UTF_16 else "WINDOWS-1252"
        cure = f"Convert it: iconv -f {likely} -t UTF-8 IN > OUT"
        raise ModelError(where, "a CSV table in UTF-8", got, cure) from error


def guess_delimiter(text: str) -> str:
    """Return the delimiter that occurs most often in the header; a comma where none does."""
    header = text.lstrip("\r\n").split("\n", 1)[0]
    counts = Counter(header)
    return max(DELIMITERS, key=lambda delimiter: counts[delimiter])


def name_columns(header: list[str], where: str) -> list[str]:
    """Return the header with a name for each column without one.

    Raises ModelError for duplicates.
    """
    names = [name or f"unnamed_{position}" for position, name in enumerate(header, start=1)]
    for name, count in Counter(names).items():
        if count > 1:
            cure = "Rename or remove all but one."
            raise ModelError(
                f"{where}: the header", "free of duplicates", f"{name!r} {count} times", cure
            )
    return names


def check_widths(header: list[str], rows: list[list[str]], where: str) -> None:
    """Check that every row is as long as the header; raise ModelError for the first that is not."""
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            expected = f"{len(header)} cells long, as the header is"
            cure = "Mend that row; quote cells that contain the delimiter."
            raise ModelError(f"{where}: row {number}", expected, f"{len(row)} cells", cure)
