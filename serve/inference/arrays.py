"""Rows as arrays: one for each of those of `contract.arrays`, in the manifest's order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contract.arrays import moments
from contract.bundle import Manifest
from contract.inputs import KINDS
from serve.validation.schema import Row


class Frame(NamedTuple):
    """A batch of rows, as three arrays (rows, inputs) of what their kinds of columns are.

    `numeric` has numbers and booleans, `categorical` categories and texts, `date` dates.
    """

    numeric: NDArray[np.float64]
    categorical: NDArray[Any]
    date: NDArray[np.datetime64]


class Framer:
    """Turns decoded rows, or their columns, into frames."""

    def __init__(self, manifest: Manifest) -> None:
        self.width = len(manifest.inputs)
        self.may_miss = any(field.missing for field in manifest.inputs)
        arrays = [KINDS[field.kind].array for field in manifest.inputs]
        self.numeric, self.categorical, self.date = (
            [index for index, its_array in enumerate(arrays) if its_array == array]
            for array in Frame._fields
        )

    def __call__(self, rows: Sequence[Row]) -> Frame:
        """Return the rows as arrays."""
        if len(self.numeric) == self.width:
            nothing = np.empty((len(rows), 0), object)
            return Frame(self.numbers(rows), nothing, nothing.astype("datetime64[ns]"))
        numbers = [[row[index] for index in self.numeric] for row in rows]
        texts = [[row[index] or "" for index in self.categorical] for row in rows]
        dates = [row[index] for row in rows for index in self.date]
        return Frame(
            np.array(numbers, np.float64).reshape(len(rows), len(self.numeric)),
            np.array(texts, object).reshape(len(rows), len(self.categorical)),
            moments(dates).reshape(len(rows), len(self.date)),
        )

    def numbers(self, rows: Sequence[Row]) -> NDArray[np.float64]:
        """Return rows of numbers alone as an array (rows, inputs); None becomes NaN."""
        if self.may_miss:
            return np.array(rows, np.float64)
        values = chain.from_iterable(rows)
        return np.fromiter(values, np.float64, len(rows) * self.width).reshape(-1, self.width)

    def side_by_side(self, columns: Sequence[NDArray[Any]], rows: int) -> Frame:
        """Return columns (rows,), one for each input, as arrays."""

        def array(places: list[int], dtype: str) -> NDArray[Any]:
            """Return some of the columns as (rows, inputs)."""
            chosen = [columns[place] for place in places]
            return np.column_stack(chosen) if chosen else np.empty((rows, 0), dtype)

        return Frame(
            array(self.numeric, "float64"),
            array(self.categorical, "object"),
            array(self.date, "datetime64[ns]"),
        )
