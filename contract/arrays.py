"""The columns of rows as arrays: how a model, wherever it runs, gets what JSON holds.

Numbers and booleans are float64, NaN where missing; categories and texts are str, "" where missing;
dates are datetime64[ns] in UTC, NaT where missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Kind, Value
from contract.inputs import Array

OFFSET = re.compile(r"(.{16,})(?:Z|([+-]\d\d):?(\d\d))")


def column(array: Array, values: Sequence[Value]) -> NDArray[Any]:
    """Return values that JSON holds as a column (rows,) of an array."""
    return COLUMNS[array](values)


def numbers(values: Iterable[Value]) -> NDArray[np.float64]:
    """Return numbers or booleans as floats (rows,)."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def texts(values: Iterable[Value]) -> NDArray[np.object_]:
    """Return texts as objects (rows,)."""
    return np.array(["" if value is None else value for value in values], object)


def moments(values: Iterable[Value]) -> NDArray[np.datetime64]:
    """Return dates, in a form of `contract.dates`, as moments (rows,)."""
    return np.array([moment(value) for value in values], "datetime64[ns]")


def moment(value: Value) -> np.datetime64:
    """Return a date as a moment in UTC."""
    text = "NaT" if value is None else str(value)
    with_offset = OFFSET.fullmatch(text)
    if with_offset is None:
        return np.datetime64(text, "ns")
    local, hours, minutes = with_offset.groups("0")
    sign = -1 if hours.startswith("-") else 1
    return np.datetime64(local, "ns") - np.timedelta64(int(hours) * 60 + sign * int(minutes), "m")


def iso(moments: NDArray[np.datetime64]) -> list[Value]:
    """Return moments (rows,) as JSON holds them, in the shortest form that says the same."""
    texts = np.datetime_as_string(moments.astype("datetime64[ns]")).tolist()
    return [None if text == "NaT" else shortest(text) for text in texts]


def shortest(text: str) -> str:
    """Return 2024-02-29 for 2024-02-29T00:00:00.000000000, and no zeros that say nothing."""
    return text.rstrip("0").rstrip(".").removesuffix("T00:00:00")


def values(kind: Kind, column: NDArray[Any]) -> list[Value]:
    """Return a column (rows,) as JSON holds it: what is missing is None."""
    if kind == "date":
        return iso(column)
    if kind in ("categorical", "text"):  # an empty text is a text
        return [text if text or kind == "text" else None for text in column.tolist()]
    cells: list[Value] = column.astype(bool if kind == "boolean" else float).tolist()
    for place in np.flatnonzero(np.isnan(column)).tolist():
        cells[place] = None
    return cells


COLUMNS: dict[Array, Callable[[Sequence[Value]], NDArray[Any]]] = {
    "numeric": numbers,
    "categorical": texts,
    "date": moments,
}
