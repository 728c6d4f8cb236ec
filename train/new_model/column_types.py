"""Guess the type of each column of an unknown table from its cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from contract.bundle import Dialect, Kind, Task
from contract.bundle.dialect import MISSING
from train.data.csv_table import CsvColumns
from train.data.table_checks import MOST_CATEGORIES

# Words for "no value" that are trusted only in a column whose other cells are numbers.
MARKERS = ("?", "-", "--", ".", "#N/A", "None", "none", "NULL", "unknown", "n/a")
DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}([T ].*)?"
)
IDENTIFIER = re.compile(r"(.*[_ -])?(id|index|uuid|rowid)|unnamed.*", re.IGNORECASE)
CODE = re.compile(r"0\d+")  # 007 and 01234 are names written in digits
MOST_CLASSES = 20


class Column(NamedTuple):
    """A column that may become an input, or the reason why it is left out.

    `markers` are words for "no value" among its numbers.
    """

    name: str
    kind: Kind | None
    reason: str = ""
    markers: tuple[str, ...] = ()


def judge(table: CsvColumns, name: str, rows: Sequence[int]) -> Column:
    """Return what a column is, by its cells in `rows`."""
    cells = [table.columns[name][row] for row in rows]
    values = [cell for cell in cells if cell not in MISSING]
    markers = tuple(sorted(set(values).intersection(MARKERS)))
    numbers = [value for value in values if value not in markers]
    if len(set(cells)) == 1:
        return Column(name, None, f"it is always {cells[0]!r}")
    if "\0" in name:
        return Column(name, None, "its name holds a NUL character")
    if numbers and are_numbers(numbers, table.dialect):
        if len(numbers) == len(cells) and is_identifier(name, numbers):
            return Column(name, None, "it numbers the rows")
        return Column(name, "numeric", markers=markers)
    reason = why_not_categorical(values)
    return Column(name, None if reason else "categorical", reason)


def why_not_categorical(values: Sequence[str]) -> str:
    """Return why texts are of no use as categories, "" if they are."""
    if all(DATE.fullmatch(value) for value in values):
        return "it holds dates: derive numbers from them, such as an age"
    distinct = len(set(values))
    if distinct > max(2, min(len(values) / 2, MOST_CATEGORIES)):
        return f"it holds {distinct} different texts in {len(values)} rows"
    return ""


def are_numbers(values: Sequence[str], dialect: Dialect) -> bool:
    """Return whether all values are numbers, and none has leading zeros as codes have."""
    return all(dialect.number(value) is not None and not CODE.fullmatch(value) for value in values)


def is_identifier(name: str, values: Sequence[str]) -> bool:
    """Return whether whole numbers number the rows: all differ, and rise by one or are named so."""
    if len(set(values)) < len(values) or not all(value.isdecimal() for value in values):
        return False
    first = int(values[0])
    counted = [int(value) for value in values] == list(range(first, first + len(values)))
    return counted or bool(IDENTIFIER.fullmatch(name))


def guess_task(values: Sequence[str], dialect: Dialect) -> Task:
    """Return classification for texts and for few different whole numbers, else regression."""
    if not are_numbers(values, dialect):
        return "classification"
    distinct = {dialect.number(value) for value in values}
    whole = all(value is not None and value.is_integer() for value in distinct)
    few = len(distinct) <= min(MOST_CLASSES, max(2, len(values) // 10))
    return "classification" if whole and few else "regression"
