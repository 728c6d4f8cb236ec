"""What a model may be called; this needs nothing but Python's standard library."""

from __future__ import annotations

import re

from contract.errors import ModelError

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST = 40  # characters; the message below repeats it


def check_name(name: str, where: str = "The model's name") -> str:
    """Return `name` if a folder, a Python module and an image may all be called that.

    Raises ModelError, which says `where` the name stands, for any other.
    """
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        expected = "at most 40 lower-case letters, digits and single underscores, a letter first"
        cure = f"Try {suggest_name(name)!r}: it also names a Python module and an image."
        raise ModelError(where, expected, ascii(name), cure)
    return name


def suggest_name(name: str) -> str:
    """Return a name made from `name` that a model may have."""
    words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")[:LONGEST].rstrip("_")
    return words or "my_model"
