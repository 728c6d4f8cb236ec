"""Whole columns, checked at once; if one does not fit, its rows are looked at one by one."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.inputs import Domain


def require_numbers(numbers: NDArray[np.float64], missing: int, domain: Domain) -> None:
    """Raise ValueError unless all numbers (rows,) but the missing, which are NaN, are in range."""
    good = np.count_nonzero((numbers >= domain.least) & (numbers <= domain.greatest))
    if good + (missing if domain.missing else 0) != len(numbers):
        raise ValueError


def require_texts(texts: AbstractSet[str], domain: Domain) -> None:
    """Raise ValueError unless all texts, save for missing ones, are categories."""
    if "" in texts or (domain.categories is not None and not texts <= domain.categories):
        raise ValueError


def stack(columns: list[NDArray[Any]], rows: int) -> Any:
    """Return columns side by side."""
    return np.column_stack(columns) if columns else np.empty((rows, 0), object)
