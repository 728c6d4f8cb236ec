"""What later steps of a workflow's job read, where this runs in one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ship.errors import ShipError

NAME = re.compile(r"[a-z][a-z0-9_]*")
BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # what any reader of lines may end one at


def set_outputs(**values: str) -> None:
    """Append to the file that GITHUB_OUTPUT names."""
    if file := os.environ.get("GITHUB_OUTPUT"):
        lines = [f"{line(name, value)}\n" for name, value in values.items()]
        with Path(file).open("a", encoding="utf-8") as outputs:
            outputs.writelines(lines)


def line(name: str, value: str) -> str:
    """Return one output as its line; raise ShipError where it would be more than one.

    A line more is an output more: whoever chose the value would set another.
    """
    if not NAME.fullmatch(name) or BREAKS.search(value):
        raise ShipError(
            "An output must have a plain name, and a value without control characters. "
            f"Got {name!a}: {value!a} instead."
        )
    return f"{name}={value}"
