"""The answers of a model, and the interface of the two runtimes that give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, cast

import msgspec

from contract.bundle import Outcome

if TYPE_CHECKING:
    from serve.inference.arrays import Frame  # imports numpy, and the port opens before that


class Scores(msgspec.Struct):
    """Answers to a batch: labels (rows,) and, of a classifier, probabilities (rows, classes).

    A detector of anomalies has its anomaly score, one number, in their place: (rows, 1). Of several
    targets, each label is a tuple of their values.
    """

    labels: Sequence[Outcome]
    probabilities: list[list[float]] | None  # in the order of the manifest's classes

    @property
    def by_target(self) -> Sequence[tuple[bool | float, ...]]:
        """The labels of several targets, (rows, targets)."""
        return cast("Sequence[tuple[bool | float, ...]]", self.labels)


class Runtime(Protocol):
    """Scores batches; any thread may call it."""

    def score(self, frame: Frame) -> Scores:
        """Return one label per row and, if the model has them, its probabilities."""
