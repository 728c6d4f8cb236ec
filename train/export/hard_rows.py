"""Rows that are hard on an exported graph: on split points, out of range, missing, unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from contract.bundle import Input, Serving

ROWS = 20_000
SEED = 0
UNKNOWN = "never seen ☃"
SHARE_OF_GAPS = 0.08  # of the cells of an input that may be missing, or unknown
SPECIAL = (0.0, -0.0, 1.0, -1.0, 1e-30, 1e6, -1e6)


def probes(
    X: pd.DataFrame,
    inputs: list[Input],
    serving: Serving,
    splits: dict[str, NDArray[np.float64]],
    *,
    within_range: bool = False,
) -> pd.DataFrame:
    """Return ROWS rows made from the rows of `X`, each column drawn in its own way."""
    rng = np.random.default_rng(SEED)
    rows = X.iloc[rng.integers(0, len(X), ROWS)]
    columns: dict[str, NDArray[Any]] = {}
    for each in inputs:
        values = rows[each.name].to_numpy()
        if each.kind == "numeric":
            made = numbers(rng, values, each, splits.get(each.name))
            limits = (each.minimum, each.maximum) if within_range else (None, None)
            columns[each.name] = np.clip(made, *limits)
        else:
            columns[each.name] = texts(rng, values, each, serving)
    return pd.DataFrame(columns)


def numbers(
    rng: Generator, values: NDArray[np.float64], each: Input, splits: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Make a third of the rows as the data might have been, on its grid: that is where ties are.

    The others mix such values with noisy ones, split points, and values far out of range.
    """
    present = np.nan_to_num(values, nan=each.minimum or 0.0)
    low, high = each.minimum or 0.0, each.maximum or 0.0
    noisy = present + rng.normal(0, 0.1, ROWS) * (high - low)
    shuffled = rng.permutation(present)
    likely = np.choose(rng.choice(3, ROWS), [present, shuffled, np.round(noisy, decimals(present))])
    wide = rng.uniform(2 * low - high, 2 * high - low, ROWS)
    special = rng.choice(SPECIAL, ROWS)
    on_split = noisy if splits is None else rng.choice(with_neighbours(splits), ROWS)
    kind = rng.choice(5, ROWS, p=[0.3, 0.15, 0.45, 0.08, 0.02])
    hard = np.choose(kind, [likely, noisy, on_split, wide, special])
    result = np.where(np.arange(ROWS) < ROWS // 3, likely, hard)
    return np.where(rng.random(ROWS) < SHARE_OF_GAPS, np.nan, result) if each.missing else result


def decimals(values: NDArray[np.float64]) -> int:
    """Return how many decimals the values are written with, at most 6."""
    return next((n for n in range(6) if np.array_equal(np.round(values, n), values)), 6)


def with_neighbours(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add the values that rounding confuses with these: the next float64 and float32 each way."""
    rounded = values.astype(np.float32)
    single = [rounded, *(np.nextafter(rounded, np.float32(end)) for end in (-np.inf, np.inf))]
    double = [values, *(np.nextafter(values, end) for end in (-np.inf, np.inf))]
    return np.unique(np.concatenate([*double, *(each.astype(np.float64) for each in single)]))


def texts(
    rng: Generator, values: NDArray[np.object_], each: Input, serving: Serving
) -> NDArray[np.object_]:
    """Mix texts of the data with shuffled ones, missing ones, and unknown ones if served."""
    known = np.array(each.categories or [""], dtype=object)
    filled = np.where(values == "", known[0], values)
    result = np.where(rng.random(ROWS) < 0.5, filled, rng.choice(known, ROWS))
    if each.missing:
        result = np.where(rng.random(ROWS) < SHARE_OF_GAPS, "", result)
    if serving.unknown_category == "ignore":
        result = np.where(rng.random(ROWS) < SHARE_OF_GAPS, UNKNOWN, result)
    return result
