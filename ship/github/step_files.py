"""Write the outputs and the summary of a workflow's step; outside a workflow, do nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ship.errors import ShipError
from ship.github.untrusted import bounded

SUMMARY_LIMIT = 2**20  # bytes that GitHub shows
NOTE = "There is more than a summary can hold: this is the beginning.\n\n"
NAME = re.compile(r"[a-z][a-z0-9_]*")
BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # some reader ends a line at these


def set_outputs(**values: str) -> None:
    """Set outputs of the step, which later steps and jobs read; raise ShipError as `line` does."""
    append("GITHUB_OUTPUT", "".join(f"{line(name, value)}\n" for name, value in values.items()))


def tell_outputs(**values: str) -> None:
    """Set outputs of the step, and print them for a person who runs this by hand."""
    set_outputs(**values)
    for name, value in values.items():
        print(line(name, value))


def add_summary(markdown: str) -> None:
    """Add Markdown to the summary of the workflow's run, as much as GitHub shows of it."""
    append("GITHUB_STEP_SUMMARY", bounded(markdown, NOTE, SUMMARY_LIMIT))


def append(variable: str, text: str) -> None:
    """Append to the file that a variable of the runner names; outside a workflow there is none."""
    if file := os.environ.get(variable):
        with Path(file).open("a", encoding="utf-8") as opened:
            opened.write(text)


def line(name: str, value: str) -> str:
    """Return an output as its line; raise ShipError if it would be several.

    A second line would be a second output, chosen by whoever chose the value.
    """
    if not NAME.fullmatch(name) or BREAKS.search(value):
        raise ShipError(
            "An output must have a plain name, and a value without control characters. "
            f"Got {name!a}: {value!a} instead."
        )
    return f"{name}={value}"
