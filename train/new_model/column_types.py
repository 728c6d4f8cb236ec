"""Guess the kind of each column of an unknown table from its cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from contract import dates
from contract.bundle import Dialect, Kind, Task
from train.data.cells import CellTyper, WrongCellError
from train.data.table_checks import MOST_CATEGORIES

# Words for "no value" that are trusted only in a column whose other cells are numbers or dates.
MARKERS = ("?", "-", "--", ".", "#N/A", "None", "none", "NULL", "unknown", "n/a")
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}([T ].*)?"
)
IDENTIFIER = re.compile(r"(.*[_ -])?(id|index|uuid|rowid)|unnamed.*", re.IGNORECASE)
CODE = re.compile(r"0\d+")  # 007 and 01234 are names written in digits
# True and false as tables write them; 1 and 0 are numbers unless somebody says otherwise.
BOOLEANS = (("true", "false"), ("yes", "no"), ("t", "f"), ("y", "n"), ("on", "off"), ("ja", "nein"),
            ("wahr", "falsch"), ("oui", "non"), ("vrai", "faux"), ("sí", "no"), ("si", "no"),
            ("sim", "não"))  # fmt: skip
PROSE = 4  # words in a cell, on average: people have written them, and not chosen one from a list
MOST_CLASSES = 20


class Cells(NamedTuple):
    """The cells of a column: its different `words` as they come, and how many cells have one."""

    words: list[str]
    filled: int
    rows: int


class Column(NamedTuple):
    """A column that may become an input, or the reason why it is left out.

    `markers` are words for "no value" among its numbers or dates; `true` and `false` are those of a
    boolean. `is_wide` tells whether it has more categories than a column for each could hold.
    """

    name: str
    kind: Kind | None
    reason: str = ""
    markers: tuple[str, ...] = ()
    true: str = "true"
    false: str = "false"
    is_wide: bool = False


def judge(name: str, cells: Cells, dialect: Dialect) -> Column:
    """Return what a column is, by its cells."""
    if reason := why_useless(name, cells):
        return Column(name, None, reason)
    markers = tuple(sorted(set(cells.words).intersection(MARKERS)))
    known = [word for word in cells.words if word not in markers]
    if column := judge_numbers(name, known, cells, dialect) or judge_dates(name, known):
        return column._replace(markers=markers)
    return judge_texts(name, cells)


def why_useless(name: str, cells: Cells) -> str:
    """Return why nothing can be learned from a column, whatever it is; "" if something can."""
    if "\0" in name:
        return "its name holds a NUL character"
    if not cells.words:
        return "it is empty"
    if len(cells.words) == 1 and cells.filled == cells.rows:
        return f"it is always {cells.words[0]!r}"
    return ""


def judge_numbers(name: str, known: Sequence[str], cells: Cells, dialect: Dialect) -> Column | None:
    """Return what a column of numbers is, None for another; `known` are its words but markers."""
    finite = [word for word in known if not INFINITE.fullmatch(word)]
    if not are_numbers(finite, dialect):
        return None
    if len(finite) < len(known):
        return Column(name, None, "it holds infinite numbers, which no model takes")
    if cells.filled == cells.rows and is_numbering(name, known, cells.rows):
        return Column(name, None, "it numbers the rows")
    return Column(name, "numeric")


def judge_dates(name: str, known: Sequence[str]) -> Column | None:
    """Return what a column of dates is, None for another; `known` are its words but markers."""
    if known and all(re.search(dates.pattern(), word) for word in known):
        return Column(name, "date")
    if known and all(map(DATE.fullmatch, known)):
        return Column(name, None, "its dates are not in ISO 8601: write them as 2024-12-31")
    return None


def judge_texts(name: str, cells: Cells) -> Column:
    """Return what a column of texts is: true and false, identifiers, texts or categories."""
    words, distinct = cells.words, len(cells.words)
    folded = {word.casefold() for word in words}
    for true, false in BOOLEANS:
        if folded == {true, false}:
            return Column(name, "boolean", true=true, false=false)
    are_codes = not any(len(word.split()) > 1 for word in words)
    if distinct == cells.filled and (are_codes or IDENTIFIER.fullmatch(name)):
        return Column(name, None, "it holds another code in every row, as identifiers do")
    is_prose = sum(len(word.split()) for word in words) >= PROSE * distinct
    if distinct > max(2, cells.filled / 2) or (is_prose and distinct > MOST_CATEGORIES):
        return Column(name, "text")
    return Column(name, "categorical", is_wide=distinct > MOST_CATEGORIES)


def are_numbers(words: Sequence[str], dialect: Dialect) -> bool:
    """Return whether all words are numbers, and none has leading zeros as codes have."""
    if not words or any(map(CODE.fullmatch, words)):
        return False
    try:
        CellTyper(dialect).numbers(pa.array(words, pa.string()))
    except WrongCellError:
        return False
    return True


def is_numbering(name: str, words: Sequence[str], rows: int) -> bool:
    """Return whether whole numbers number the rows: all differ, and rise by one or are named so."""
    if len(words) < rows or not all(word.isdecimal() for word in words):
        return False
    first = int(words[0])
    counted = [int(word) for word in words] == list(range(first, first + rows))
    return counted or bool(IDENTIFIER.fullmatch(name))


def guess_task(target: Cells, dialect: Dialect) -> Task:
    """Return classification for texts and for few different whole numbers, else regression."""
    if not are_numbers(target.words, dialect):
        return "classification"
    distinct = {dialect.number(word) for word in target.words}
    whole = all(value is not None and value.is_integer() for value in distinct)
    few = len(distinct) <= min(MOST_CLASSES, max(2, target.filled // 10))
    return "classification" if whole and few else "regression"
