"""Whole columns, checked at once; if one does not fit, its rows are looked at one by one."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Input, Serving
from serve.validation.schema import known_categories, number_range


def require_numbers(
    numbers: NDArray[np.float64], missing: int, field: Input, serving: Serving
) -> None:
    """Raise ValueError unless all numbers but the missing, which are NaN, are in range."""
    least, greatest = number_range(field, serving)
    good = np.count_nonzero((numbers >= least) & (numbers <= greatest))
    if good + (missing if field.missing else 0) != len(numbers):
        raise ValueError


def require_texts(found: AbstractSet[str], field: Input, serving: Serving) -> None:
    """Raise ValueError unless all texts, save for missing ones, are categories."""
    known = known_categories(field, serving)
    if "" in found or (known is not None and not found <= known):
        raise ValueError


def stack(columns: list[NDArray[Any]], rows: int) -> Any:
    """Return columns side by side."""
    return np.column_stack(columns) if columns else np.empty((rows, 0), object)
