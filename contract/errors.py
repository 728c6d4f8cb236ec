"""The mistakes that people make in a model folder, each with its cure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ModelError(Exception):
    """A mistake in a model folder: what was expected, what is there, and how to mend it."""

    exit_code = 2

    def __init__(self, where: object, expected: str, got: object, cure: str) -> None:
        super().__init__(f"{where} must be {expected}. Got {got} instead. {cure}")
        self.parts = (str(where), expected, str(got), cure)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return a hint: the closest of the known words; without one `otherwise`, or all of them."""
    names = list(known)
    matches = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if matches:
        return f"Did you mean {matches[0]!r}?"
    return otherwise or f"Known: {', '.join(names) or 'none'}."
