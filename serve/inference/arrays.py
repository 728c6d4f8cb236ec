"""Rows as arrays: one of the numbers and one of the categories, each in the manifest's order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Manifest
from serve.validation.schema import Row


class Frame(NamedTuple):
    """A batch of rows: `numeric` (rows, inputs) in float64 and `categorical` (rows, inputs) in str.

    A missing number is NaN, a missing category is "", as in training.
    """

    numeric: NDArray[np.float64]
    categorical: NDArray[Any]


class Framer:
    """Turns decoded rows into frames."""

    def __init__(self, manifest: Manifest) -> None:
        self.width = len(manifest.inputs)
        self.may_miss = any(field.missing for field in manifest.inputs)
        kinds = [field.kind for field in manifest.inputs]
        self.numeric = [index for index, kind in enumerate(kinds) if kind == "numeric"]
        self.categorical = [index for index, kind in enumerate(kinds) if kind == "categorical"]

    def __call__(self, rows: Sequence[Row]) -> Frame:
        """Return the rows as arrays."""
        if not self.categorical:
            return Frame(self.numbers(rows), np.empty((len(rows), 0), object))
        numbers = [[row[index] for index in self.numeric] for row in rows]
        texts = [[row[index] or "" for index in self.categorical] for row in rows]
        return Frame(
            np.array(numbers, np.float64).reshape(len(rows), -1),
            np.array(texts, object),
        )

    def numbers(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """Return rows of numbers alone as an array (rows, inputs); None becomes NaN."""
        if self.may_miss:
            return np.array(rows, np.float64)
        values = chain.from_iterable(rows)
        return np.fromiter(values, np.float64, len(rows) * self.width).reshape(-1, self.width)
