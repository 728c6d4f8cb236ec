"""Rows on which an exported graph may differ: on split points, out of range, missing, unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from contract.bundle import Input, Serving
from train.export import hard_texts

ROWS = 20_000
SEED = 0
SHARE_OF_GAPS = 0.08  # of the cells of an input that may be missing
SHARE_OF_UNKNOWN = 1 / 3  # of the cells of an input that may be unknown
FEWEST_UNKNOWN = 200  # different ones, of an input beside many others
SPECIAL = (0.0, -0.0, 1.0, -1.0, 1e-30, 1e6, -1e6)


def make_hard_rows(
    X: pd.DataFrame,
    inputs: list[Input],
    serving: Serving,
    splits: dict[str, NDArray[np.float64]],
    *,
    within_range: bool = False,
) -> pd.DataFrame:
    """Return ROWS rows made from the rows of `X`, each column drawn in its own way.

    `splits` has for each numeric input the values (values,) around thresholds of trees. With
    `within_range`, numbers stay between the minimum and maximum of the training rows.
    """
    rng = np.random.default_rng(SEED)
    rows = X.iloc[rng.integers(0, len(X), ROWS)]
    columns: dict[str, NDArray[Any]] = {}
    distinct = max(FEWEST_UNKNOWN, ROWS // max(1, sum(x.kind == "categorical" for x in inputs)))
    for field in inputs:
        values = rows[field.name].to_numpy()
        if field.kind == "numeric":
            made = numbers(rng, values, field, splits.get(field.name))
            limits = (field.minimum, field.maximum) if within_range else (None, None)
            columns[field.name] = np.clip(made, *limits)
        else:
            columns[field.name] = texts(rng, values, field, serving, distinct)
    return pd.DataFrame(columns)


def numbers(
    rng: Generator, values: NDArray[np.float64], field: Input, splits: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return ROWS numbers made from `values` (rows,) and `splits` (values,), as an array (rows,).

    A third look like data: rounded to its decimals, so that ties occur. The others mix such values
    with noisy ones, split points, and values far out of range.
    """
    present = np.nan_to_num(values, nan=field.minimum or 0.0)
    low, high = field.minimum or 0.0, field.maximum or 0.0
    noisy = present + rng.normal(0, 0.1, ROWS) * (high - low)
    shuffled = rng.permutation(present)
    likely = np.choose(rng.choice(3, ROWS), [present, shuffled, np.round(noisy, decimals(present))])
    wide = rng.uniform(2 * low - high, 2 * high - low, ROWS)
    special = rng.choice(SPECIAL, ROWS)
    on_split = noisy if splits is None else rng.choice(with_neighbours(splits), ROWS)
    kind = rng.choice(5, ROWS, p=[0.3, 0.15, 0.45, 0.08, 0.02])
    hard = np.choose(kind, [likely, noisy, on_split, wide, special])
    result = np.where(np.arange(ROWS) < ROWS // 3, likely, hard)
    return np.where(rng.random(ROWS) < SHARE_OF_GAPS, np.nan, result) if field.missing else result


def decimals(values: NDArray[np.float64]) -> int:
    """Return how many decimals the values (rows,) are written with, at most 6."""
    return next((n for n in range(6) if np.array_equal(np.round(values, n), values)), 6)


def with_neighbours(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add the next float64 and float32 each way, which rounding may confuse with these values.

    Takes an array (values,) and returns a longer one, sorted.
    """
    rounded = values.astype(np.float32)
    single = [rounded, *(np.nextafter(rounded, np.float32(end)) for end in (-np.inf, np.inf))]
    double = [values, *(np.nextafter(values, end) for end in (-np.inf, np.inf))]
    return np.unique(np.concatenate([*double, *(array.astype(np.float64) for array in single)]))


def texts(
    rng: Generator,
    values: NDArray[np.object_],
    field: Input,
    serving: Serving,
    distinct: int,
) -> NDArray[np.object_]:
    """Return ROWS texts made from `values` (rows,): real, shuffled, and missing or unknown ones.

    Missing and unknown texts are made only for inputs that are served with them. An unknown one is
    a known one, changed as `hard_texts` does; at most `distinct` differ.
    """
    known = np.array(field.categories or [""], dtype=object)
    filled = np.where(values == "", known[0], values)
    result = np.where(rng.random(ROWS) < 0.5, filled, rng.choice(known, ROWS))
    if serving.unknown_category == "ignore":
        unknown = rng.random(ROWS) < SHARE_OF_UNKNOWN
        result[unknown] = hard_texts.vary(rng, result[unknown], empty=False, distinct=distinct)
    if field.missing:
        result = np.where(rng.random(ROWS) < SHARE_OF_GAPS, "", result)
    return result
