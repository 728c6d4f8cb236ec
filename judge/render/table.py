"""A table for people: the text and style of its cells, for Markdown and for the page."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class Style(StrEnum):
    """How a cell looks; the value is its class in the style sheet."""

    PLAIN = ""
    GOOD = "good"
    BAD = "bad"
    FAILED = "bad failed"
    CODE = "code"


class Cell(NamedTuple):
    """A text that is escaped where it is shown."""

    text: str
    style: Style = Style.PLAIN


class Table(NamedTuple):
    """A row of titles, and rows of as many cells; `numbers` are aligned by their digits."""

    head: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    numbers: bool = False
