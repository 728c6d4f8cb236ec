"""GitHub Markdown: untrusted text escaped, and tables of escaped cells.

Whatever is not already `Markdown` is shown as plain text. Nothing but Python is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from contract.console import one_line
from judge.render.table import Cell, Style, Table

SPECIAL = re.compile(r"([\\`*\[\]|~]|(?<!\w)_|_(?!\w))")
TAG = re.compile(r"<(?![ =\d])")  # `<= 2` begins none
LEADING = re.compile(r"^(#|>|[-+=](?=[ =-]|$)|\d+(?=[.)](?: |$)))")  # of a heading, a list, a rule


class Markdown(str):
    """Text that is Markdown already, and is not escaped again."""

    __slots__ = ()


def plain(text: str) -> Markdown:
    """Return Markdown that shows the text as it is, within a line or in a cell of a table."""
    safe = TAG.sub("&lt;", one_line(text).replace("&", "&amp;"))
    return Markdown(SPECIAL.sub(r"\\\1", safe).replace("@", "@&#8203;"))


def quoted(text: str) -> Markdown:
    """Return the text as Markdown's code, in which nothing has a meaning, not even a mention."""
    line = one_line(text)
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    return Markdown(f"{fence} {line} {fence}" if longest else f"{fence}{line}{fence}")


def block(code: str, language: str = "") -> Markdown:
    """Return lines of code as a block whose fence is longer than any in them."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", code)), default=0))
    return Markdown(f"{fence}{language}\n{code}\n{fence}")


def escape(value: object) -> Markdown:
    """Return Markdown as it is, and anything else as text that may also begin a line."""
    if isinstance(value, Markdown):
        return value
    return Markdown(LEADING.sub(inert, plain(str(value))))


def inert(match: re.Match[str]) -> str:
    """Return the mark that would begin a block, escaped."""
    return f"{match[0]}\\" if match[0].isdigit() else f"\\{match[0]}"


def table(shown: Table) -> Markdown:
    """Return a table."""
    lines = [row(map(plain, shown.head)), row(["---"] * len(shown.head))]
    return Markdown("\n".join([*lines, *(row(map(cell, cells)) for cells in shown.rows)]))


def row(cells: Iterable[str]) -> str:
    """Return the line of a row."""
    return f"| {' | '.join(cells)} |"


def cell(content: str | Cell) -> Markdown:
    """Return a cell in its style; bars are escaped in code too, since GitHub splits cells there."""
    text, style = content if isinstance(content, Cell) else (content, Style.PLAIN)
    if not text:
        return Markdown("")
    if style is Style.CODE:
        return Markdown(quoted(text).replace("|", "\\|"))
    return Markdown(f"**{plain(text)}**") if style is Style.FAILED else plain(text)
