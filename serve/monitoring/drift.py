"""Count values that the training rows did not have: drift that shows in the metrics."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Manifest
from serve.inference.arrays import Frame

Counts = list[tuple[int, int]]  # the position of an input, and how many of its values


class UnseenValues(NamedTuple):
    """How many values of each input the training rows did not have; zeros may be left out."""

    out_of_range: Counts
    unknown: Counts
    missing: Counts


class DriftCounter:
    """Compares a batch with the ranges and categories of the training rows."""

    def __init__(self, manifest: Manifest) -> None:
        inputs = list(enumerate(manifest.inputs))
        numeric = [(index, field) for index, field in inputs if field.kind == "numeric"]
        self.numeric = [index for index, _ in numeric]
        self.minimum = np.array([bound(field.minimum, -np.inf) for _, field in numeric])
        self.maximum = np.array([bound(field.maximum, np.inf) for _, field in numeric])
        self.may_miss = any(field.missing for _, field in inputs)
        self.categorical = [
            (index, {"", *(field.categories or ())})
            for index, field in inputs
            if field.kind == "categorical"
        ]
        self.may_be_unknown = manifest.serving.unknown_category == "ignore"

    def __call__(self, frame: Frame) -> UnseenValues:
        """Count what is new in a batch."""
        return UnseenValues(self.out_of_range(frame), self.unknown(frame), self.missing(frame))

    def out_of_range(self, frame: Frame) -> Counts:
        """Count the numbers outside the range of the training rows."""
        outside = (frame.numeric < self.minimum) | (frame.numeric > self.maximum)
        return self.counted(outside) if outside.any() else []

    def unknown(self, frame: Frame) -> Counts:
        """Count the categories that the training rows did not have, if such rows are served."""
        if not self.may_be_unknown:
            return []
        columns = zip(self.categorical, frame.categorical.T, strict=True)
        return [
            (index, sum(value not in known for value in values))
            for (index, known), values in columns
        ]

    def missing(self, frame: Frame) -> Counts:
        """Count the missing values: NaN, or the empty text."""
        if not self.may_miss:
            return []
        texts = zip(self.categorical, (frame.categorical == "").sum(axis=0).tolist(), strict=True)
        numbers = self.counted(np.isnan(frame.numeric))
        return [*numbers, *((index, count) for (index, _), count in texts)]

    def counted(self, mask: NDArray[np.bool_]) -> Counts:
        """Return each numeric input with its count in a mask of shape (rows, inputs)."""
        return list(zip(self.numeric, mask.sum(axis=0).tolist(), strict=True))


def bound(value: float | None, default: float) -> float:
    """Return the bound, or the default where the input has none."""
    return default if value is None else value
