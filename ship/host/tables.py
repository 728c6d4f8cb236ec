"""Print tables: our own markup is coloured, and untrusted text in them is only text."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from contract.console import Printed, printable


def cell(text: str) -> Text:
    """Return untrusted text as a cell: no markup, no link, nothing that a terminal obeys."""
    return Text(printable(text))


def show(table: Table, width: int | None = None) -> None:
    """Print a table: in colour on a terminal, in `width` anywhere else."""
    if not sys.stdout.isatty():
        Console(color_system=None, width=width).print(table)
        return
    guarded = sys.stdout  # written below: the guard would remove our own colours; cells are safe
    Console(file=guarded.stream if isinstance(guarded, Printed) else guarded).print(table)
