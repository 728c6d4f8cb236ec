"""The forms in which many rows come: how to find them, check them, and write them with answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from serve.errors import RowsRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contract.bundle import Bundle
    from serve.inference.arrays import Frame
    from serve.inference.scores import Scores

Rows = TypeVar("Rows")  # some thousands of rows, as the form has them


class Table(Protocol[Rows]):
    """Rows of one form, read from one stream and written with their answers to another."""

    def start(self) -> None:
        """Write what comes before the first row."""

    def batches(self) -> Iterator[Rows]:
        """Yield the rows, some thousands at a time, so that memory does not grow with them."""

    def frame(self, rows: Rows) -> Frame:
        """Return the rows as arrays; raise ValueError or Refusal if any row is wrong."""

    def each(self, rows: Rows) -> Sequence[Any]:
        """Return every row by itself, as `check` takes it."""

    def check(self, row: Any) -> None:
        """Raise the Refusal that says what is wrong with a row."""

    def keep(self, rows: Rows, good: Sequence[bool]) -> Rows:
        """Return the rows that are good."""

    def write(self, rows: Rows, scores: Scores) -> None:
        """Write each row with its answer."""

    def end(self) -> None:
        """Write what comes after the last row."""

    def share(self) -> float | None:
        """Return how much of the rows has been read, from 0 to 1, if that can be known."""


def answer_names(bundle: Bundle, taken: Sequence[str]) -> list[str]:
    """Return the names of the columns that are added; raise RowsRefused if one is there already."""
    names = ["prediction"]
    if bundle.has_probabilities:
        classes = bundle.manifest.classes or []
        names += ["probability", *(f"probability_{label}" for label in classes)]
    for name in names:
        if name in taken:
            raise RowsRefused(
                f"The rows must leave the column {name} to the answers. Got it among "
                f"{', '.join(taken)} instead. Rename it, or leave it out"
            )
    return names


def position(name: str, names: Sequence[str], *, required: bool) -> int | None:
    """Return where a column is; raise RowsRefused unless it is there once, or may be absent."""
    found = list(names).count(name)
    if found > 1 or (not found and required):
        raise RowsRefused(
            f"The rows must have the column {name} once. Got the columns "
            f"{', '.join(names) or 'nothing'} instead. Name the column {name}"
        )
    return list(names).index(name) if found else None
