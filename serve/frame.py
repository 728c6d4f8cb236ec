"""Rows as arrays: one of the numbers and one of the categories, each in the manifest's order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model.bundle import Manifest
from serve.schema import Row


class Frame(NamedTuple):
    """A batch. A missing number is NaN, a missing category is "" (the bundle's convention)."""

    numeric: NDArray[np.float64]  # [rows, numeric inputs]
    categorical: NDArray[Any]  # [rows, categorical inputs], str objects


class Framer:
    """Turns rows into frames."""

    def __init__(self, manifest: Manifest) -> None:
        kinds = [field.kind for field in manifest.inputs]
        self.numeric = [index for index, kind in enumerate(kinds) if kind == "numeric"]
        self.categorical = [index for index, kind in enumerate(kinds) if kind == "categorical"]

    def __call__(self, rows: Sequence[Row]) -> Frame:
        if not self.categorical:
            return Frame(np.array(rows, np.float64), np.empty((len(rows), 0), object))
        numbers = [[row[index] for index in self.numeric] for row in rows]
        texts = [[row[index] or "" for index in self.categorical] for row in rows]
        return Frame(
            np.array(numbers, np.float64).reshape(len(rows), -1),
            np.array(texts, object),
        )
