"""Rows on which an exported graph may differ: on split points, out of range, missing, unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from contract.bundle import Input, Kind, Serving
from contract.dates import FIRST_YEAR, LAST_YEAR
from contract.inputs import KINDS, Domain
from train.export import hard_texts

ROWS = 20_000
SEED = 0
SHARE_OF_GAPS = 0.08  # of the cells of an input that may be missing
SHARE_OF_UNKNOWN = 1 / 3  # of the cells of an input that may be unknown
FEWEST_UNKNOWN = 200  # different ones, of an input beside many others
SPECIAL_DATES = np.array(
    ["1970-01-01", "1969-12-31T23:59:59.999999999", "2000-02-29", "1900-02-28T23:59:59",
     "2024-02-29T12:00", "2038-01-19T03:14:08", f"{FIRST_YEAR}-01-01",
     f"{LAST_YEAR}-12-31T23:59:59"],
    "datetime64[ns]",
)  # fmt: skip
Maker = Callable[[NDArray[Any], Input], NDArray[Any]]
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
    words = sum(KINDS[field.kind].array == "categorical" for field in inputs)
    distinct = max(FEWEST_UNKNOWN, ROWS // max(1, words))
    makers: dict[Kind, Maker] = {
        "numeric": lambda values, field: numbers(rng, values, field, splits.get(field.name)),
        "categorical": lambda values, field: texts(rng, values, field, serving, distinct),
        "text": lambda values, field: texts(rng, values, field, serving, distinct),
        "date": lambda values, field: dates(rng, values, field),
        "boolean": lambda values, field: booleans(rng, values, field),
    }
    columns = {
        field.name: makers[field.kind](rows[field.name].to_numpy(), field) for field in inputs
    }
    if within_range:
        columns |= {f.name: clipped(columns[f.name], f) for f in inputs if f.minimum is not None}
    return pd.DataFrame(columns)


def clipped(values: NDArray[Any], field: Input) -> NDArray[Any]:
    """Return values (rows,) with those outside the range of the training rows put on its ends."""
    least, greatest = field.minimum, field.maximum
    ends: tuple[Any, Any] = least, greatest
    if field.kind == "date":
        ends = (
            np.datetime64(f"{least:.0f}-01-01", "ns"),
            np.datetime64(f"{greatest:.0f}-12-31", "ns"),
        )
    inside: NDArray[Any] = np.clip(values, *ends)
    return inside


def booleans(rng: Generator, values: NDArray[np.float64], field: Input) -> NDArray[np.float64]:
    """Return ROWS booleans made from `values` (rows,), as 1 and 0: real, drawn, missing."""
    drawn = rng.integers(0, 2, ROWS).astype(np.float64)
    result = np.where(np.isnan(values) | (rng.random(ROWS) < 0.5), drawn, values)
    return np.where(rng.random(ROWS) < SHARE_OF_GAPS, np.nan, result) if field.missing else result


def dates(rng: Generator, values: NDArray[np.datetime64], field: Input) -> NDArray[np.datetime64]:
    """Return ROWS moments made from `values` (rows,): real ones, and where calendars go wrong.

    Others lie some hours or days from a real one, at the ends of days, months and years, on leap
    days, and in the first and last years that there are.
    """
    known = values[~np.isnat(values)] if not np.isnat(values).all() else SPECIAL_DATES
    present = rng.choice(known, ROWS)
    hours = rng.integers(-40 * 24, 40 * 24, ROWS).astype("timedelta64[h]")
    seconds = rng.integers(0, 86_400, ROWS).astype("timedelta64[s]")
    month = present.astype("datetime64[M]").astype("datetime64[ns]")
    year = present.astype("datetime64[Y]").astype("datetime64[ns]")
    before = rng.choice(np.array([0, 1], "timedelta64[ns]"), ROWS)  # the last moment before it
    choices = [present, present + hours + seconds, month - before, year - before,
               rng.choice(SPECIAL_DATES, ROWS)]  # fmt: skip
    result = np.choose(rng.choice(5, ROWS, p=[0.4, 0.3, 0.1, 0.1, 0.1]), choices)
    gap = (rng.random(ROWS) < SHARE_OF_GAPS) & field.missing
    return np.where(gap, np.datetime64("NaT"), result)


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
    known = np.array(field.categories or sorted({*values} - {""}) or [""], dtype=object)
    filled = np.where(values == "", known[0], values)
    result = np.where(rng.random(ROWS) < 0.5, filled, rng.choice(known, ROWS))
    if not Domain.of(field, serving).choices:
        unknown = rng.random(ROWS) < SHARE_OF_UNKNOWN
        empty = field.kind == "text"
        result[unknown] = hard_texts.vary(rng, result[unknown], empty=empty, distinct=distinct)
    if field.missing:
        result = np.where(rng.random(ROWS) < SHARE_OF_GAPS, "", result)
    return result
