"""How the values of a column are distributed, in counts that show no value of any row."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from types import NoneType

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract.bundle import Value

BINS = 32  # of numbers, at most
CATEGORIES = 50  # that are counted by name, at most; the others are counted together
NUMBERS = {float, int, bool, NoneType}


class Distribution(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The counts of a column's values.

    Of numbers, n `edges` make n + 1 bins, and a missing value counts as the smallest. Of others,
    there is a count for each of the `categories` and a last one for all other values. `missing` is
    counted apart.
    """

    edges: list[float] | None = None
    categories: list[str] | None = None
    counts: list[int]
    missing: int

    @property
    def rows(self) -> int:
        """How many values are counted, missing ones too."""
        return sum(self.counts) + self.missing

    def count(self, values: Sequence[Value]) -> Distribution:
        """Return the counts of other values in the same bins or categories."""
        if self.edges is not None:
            return in_bins(numbers(values), self.edges, len(values))
        return by_name(values, self.categories or [])


def distribution(values: Sequence[Value], categories: Iterable[str] | None) -> Distribution | None:
    """Return the distribution of a column: by its public categories, or of numbers.

    None for any other column, of which only the values themselves would tell something.
    """
    if categories is not None:
        public = set(categories)
        common = Counter(value for value in values if value in public).most_common(CATEGORIES)
        return by_name(values, sorted(str(value) for value, _ in common))
    present = numbers(values)
    if len(present) == 0 or len(present) + list(values).count(None) < len(values):
        return None
    inner = np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1])
    return in_bins(present, np.unique(rounded(inner, present)).tolist(), len(values))


def numbers(values: Sequence[Value]) -> NDArray[np.float64]:
    """Return the values (rows,) that are numbers."""
    if not {*map(type, values)} <= NUMBERS:
        values = [value for value in values if isinstance(value, int | float)]
    array = np.array(values, dtype=np.float64)  # NaN for None
    return array[~np.isnan(array)]


def rounded(cuts: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return cuts (cuts,) of values (rows,), rounded to about two digits of their spread.

    A cut is a value of some row, or nearly; rounded it is none.
    """
    spread = float(np.subtract(*np.quantile(values, [0.75, 0.25]))) or float(np.ptp(values))
    if spread == 0 or not math.isfinite(spread):
        return cuts
    step = 10.0 ** math.floor(math.log10(spread / 10))
    return np.array([float(f"{cut:.12g}") for cut in np.round(cuts / step) * step])


def in_bins(present: NDArray[np.float64], edges: Sequence[float], rows: int) -> Distribution:
    """Count the numbers (present,) of so many rows between edges; one on an edge is above it."""
    places = np.searchsorted(np.array(edges), present, side="right")
    counts = np.bincount(places, minlength=len(edges) + 1).tolist()
    return Distribution(edges=list(edges), counts=counts, missing=rows - len(present))


def by_name(values: Sequence[Value], categories: Sequence[str]) -> Distribution:
    """Count values by their names, and those of other names together."""
    counter = Counter(str(value) for value in values if value is not None)
    counts = [counter[category] for category in categories]
    counts.append(sum(counter.values()) - sum(counts))
    missing = len(values) - sum(counts)
    return Distribution(categories=list(categories), counts=counts, missing=missing)
