"""Check a whole column at once; a column that does not fit makes the caller check row by row."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.inputs import Domain


def require_numbers(numbers: NDArray[np.float64], missing: int, domain: Domain) -> None:
    """Check a column of numbers of shape (rows,), NaN where a value is missing.

    `missing` is how many are missing. Raises ValueError unless all others are in the range of the
    input, and none is missing where that is not allowed.
    """
    good = np.count_nonzero((numbers >= domain.least) & (numbers <= domain.greatest))
    if good + (missing if domain.missing else 0) != len(numbers):
        raise ValueError


def require_texts(texts: AbstractSet[str], domain: Domain) -> None:
    """Check the different texts of a column, without those that are allowed to be missing.

    Raises ValueError unless all of them are categories that the model takes.
    """
    if "" in texts or (domain.categories is not None and not texts <= domain.categories):
        raise ValueError


def stack(columns: list[NDArray[Any]], rows: int) -> Any:
    """Return columns, each (rows,), side by side as (rows, columns)."""
    return np.column_stack(columns) if columns else np.empty((rows, 0), object)
