"""The forms in which many rows come: how to find them, check them, and write them with answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from serve.frame import Frame
    from serve.runtime import Scores


class Table(Protocol):
    """Rows as lines of text."""

    header: str  # what to write before the first row

    def batches(self) -> Iterator[list[str]]:
        """Yield the rows, without their line ends, some thousands at a time."""

    def frame(self, lines: list[str]) -> Frame:
        """Return the rows as arrays; raise ValueError or Refusal if any row is wrong."""

    def check(self, line: str) -> None:
        """Raise the Refusal that says what is wrong with a row."""

    def answers(self, lines: list[str], scores: Scores) -> Iterator[str]:
        """Yield each row with its answer, as a line."""
