"""How a table of text is read: the one definition for training and for the bulk scorer.

It needs nothing but Python's csv module (RFC 4180, with any delimiter), as small images do. What
training reads faster, with Arrow, comes out as it does here; a test compares the two.
"""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

DELIMITERS = ",;\t|"
MISSING = ("", "NA", "N/A", "NaN", "nan", "null")
LINE_END = re.compile(r"[\r\n]")
END = "\x00no record"  # a line after the last one: it shows whether a quote is still open

csv.field_size_limit(2**31 - 1)  # of this process: whoever reads limits what is read at once


class Dialect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a table of text is written; `missing` are the cells that mean "no value".

    A cell has no outer spaces, a quote counts at its beginning only, and an empty line is no row.
    """

    delimiter: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."  # a comma where the training data had a number with one
    missing: tuple[str, ...] = MISSING

    def for_header(self, text: str) -> Dialect:
        """Return the dialect of a table that begins with `text`, by its delimiter.

        That is the one that occurs most often in the first line; this dialect's where none does.
        """
        counts = Counter(LINE_END.split(text.lstrip("\r\n"), maxsplit=1)[0])
        delimiter = max((self.delimiter, *DELIMITERS), key=lambda candidate: counts[candidate])
        return msgspec.structs.replace(self, delimiter=delimiter)

    @property
    def takes_decimal_commas(self) -> bool:
        """Whether 1,5 is a number: tables with semicolons often write it for 1.5."""
        return self.delimiter == ";"

    def number(self, cell: str) -> float | None:
        """Return the finite number that a cell holds, None for any other cell."""
        if self.takes_decimal_commas and cell.count(",") == 1 and "." not in cell:
            cell = cell.replace(",", ".")
        try:
            value = float(cell)
        except ValueError:
            return None
        return value if math.isfinite(value) and "_" not in cell else None

    def rows(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """Yield the cells of each row in lines, which may be whole rows too.

        Raises ValueError where a quote is never closed, or a row has a line end without quotes.
        """
        waiting: list[str] = []
        try:
            for cells in csv.reader(itertools.chain(lines, [END]), delimiter=self.delimiter):
                if waiting:
                    yield waiting
                waiting = [cell.strip() for cell in cells]
        except csv.Error as error:
            raise ValueError(error) from error
        if waiting != [END]:
            raise ValueError("unexpected end of data")

    def split(self, text: str) -> tuple[list[str], str]:
        """Return the rows of a text, each without its line end, and the rest, which is unfinished.

        The rest begins after the last row whose line end is there and whose quotes are closed.
        """
        if '"' not in text and "\r" not in text:
            *rows, rest = text.split("\n")
            return list(filter(None, rows)), rest
        lines = io.StringIO(text, newline="").readlines()
        # A return at the end may be the first half of a line end.
        last = lines.pop() if lines and not lines[-1].endswith("\n") else ""
        rows, rest = self.joined(lines) if '"' in text else (lines, "")
        return list(filter(None, (row.rstrip("\r\n") for row in rows))), rest + last

    def joined(self, lines: Sequence[str]) -> tuple[list[str], str]:
        """Return lines joined to rows where a quote holds line ends, and the unfinished rest."""
        reader = csv.reader(itertools.chain(lines, [END]), delimiter=self.delimiter)
        rows: list[str] = []
        start = 0
        for cells in reader:
            if reader.line_num > len(lines):
                return rows, "" if cells == [END] else "".join(lines[start:])
            rows.append("".join(lines[start : reader.line_num]))
            start = reader.line_num
        return rows, ""


def name_columns(header: Sequence[str]) -> list[str]:
    """Return the header with a name for each column without one."""
    return [name or f"unnamed_{position}" for position, name in enumerate(header, start=1)]
