"""The formats in which many rows come: how to read them, check them, and write their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from contract.bundle import ANOMALY_SCORE
from serve.errors import RowsRefused
from serve.validation.strict_json import listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contract.bundle import Bundle
    from serve.inference.arrays import Frame
    from serve.inference.scores import Scores

Rows = TypeVar("Rows")  # some thousands of rows, as the format has them


class RowFormat(Protocol[Rows]):
    """Rows of one format, read from one stream and written with their answers to another."""

    def start(self) -> None:
        """Write what comes before the first row."""

    def batches(self) -> Iterator[Rows]:
        """Yield the rows, some thousands at a time, so that memory does not grow with them."""

    def frame(self, rows: Rows) -> Frame:
        """Return the rows as arrays; raise ValueError or Refusal if any row is wrong."""

    def separate(self, rows: Rows) -> Sequence[Any]:
        """Return every row by itself, as `check` takes it."""

    def check(self, row: Any) -> None:
        """Check one row; raise the Refusal that says what is wrong with it."""

    def keep(self, rows: Rows, good: Sequence[bool]) -> Rows:
        """Return the rows that are good."""

    def write(self, rows: Rows, scores: Scores) -> None:
        """Write each row with its answer."""

    def end(self) -> None:
        """Write what comes after the last row."""

    def share(self) -> float | None:
        """Return the part of the rows that has been read, from 0 to 1; None where it is unknown."""


def answer_names(bundle: Bundle, taken: Sequence[str]) -> list[str]:
    """Return the names of the columns to add; one that is an input's gets an underscore.

    Raises RowsRefused if the rows have one already.
    """
    inputs = {field.name for field in bundle.manifest.inputs}
    targets = bundle.manifest.targets
    is_several = len(targets) > 1
    names = [f"prediction_{target}" for target in targets] if is_several else ["prediction"]
    if bundle.manifest.anomaly is not None:
        names.append(ANOMALY_SCORE)
    if bundle.has_probabilities:
        classes = bundle.manifest.classes or []
        names += [] if is_several else ["probability"]
        names += [f"probability_{label}" for label in classes]
    while clashes := inputs.intersection(names):
        names = [f"{name}_" if name in clashes else name for name in names]
    for name in names:
        if name in taken:
            raise RowsRefused(
                f"The rows must leave the column {shown(name)} to the answers. Got it among "
                f"{listed(map(shown, taken))} instead. Rename it, or leave it out"
            )
    return names


def position(name: str, names: Sequence[str], *, required: bool) -> int | None:
    """Return where a column is, None where it may be absent and is.

    Raises RowsRefused if it is there twice, or is `required` and absent.
    """
    count = list(names).count(name)
    if count > 1 or (not count and required):
        raise RowsRefused(
            f"The rows must have the column {shown(name)} once. Got the columns "
            f"{listed(map(shown, names)) or 'nothing'} instead. Name the column {shown(name)}"
        )
    return list(names).index(name) if count else None
