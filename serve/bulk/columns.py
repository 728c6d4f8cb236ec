"""Check a whole column at once; a column that does not fit makes the caller check row by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.arrays import column
from contract.bundle import Value
from contract.inputs import Domain, Number


def require_numbers(numbers: NDArray[np.float64], missing: int, domain: Number) -> None:
    """Check a column of numbers of shape (rows,), NaN where a value is missing.

    `missing` is how many are missing. Raises ValueError unless all others are in the range of the
    input, and none is missing where that is not allowed.
    """
    good = np.count_nonzero((numbers >= domain.least) & (numbers <= domain.greatest))
    if good + (missing if domain.missing else 0) != len(numbers):
        raise ValueError


def of_cells(cells: Sequence[str], domain: Domain) -> NDArray[Any]:
    """Return cells of a table as a column (rows,), each different one read once.

    Raises ValueError for one that the model does not take.
    """
    words = list(set(cells))
    places = {word: place for place, word in enumerate(words)}
    values = of_values([domain.cell(word) for word in words], domain)
    return values[list(map(places.__getitem__, cells))]


def of_values(values: Sequence[Value], domain: Domain) -> NDArray[Any]:
    """Return values as a column (rows,); raise ValueError for one that the model does not take."""
    if not all(map(domain.accepts, values)):
        raise ValueError
    return column(domain.array, values)
