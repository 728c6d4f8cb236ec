"""Make rows that look like the data and stand nowhere in it: what golden examples are made from.

A number lies between those of two training rows of one class, and is rounded; each column draws its
own two rows. What stands in the manifest anyway is used as it is: categories, the ends of a range.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from contract.bundle import Input
from contract.inputs import KINDS, Array
from contract.spec.model_toml import ModelSpec
from train.data.dataset import schema
from train.data.split import Part
from train.data.targets import strata

SEED = 0
TYPICAL, PER_CLASS = 256, 8  # rows that look like the data: in all, or more, of each class
MOST_STRATA = 64  # sets of labels that rows are made of
GAPS, EDGES = 32, 32  # then rows that lack a value, and rows of the ends of the ranges
NEIGHBOURS = 0.1  # of the rows, sorted by a number that is the target: how far apart two may be
SAMPLES = np.array(["", "A text.", "Some words, and the number 42.", "ÄÖÜ ☃ 文"], dtype=object)
GAP: dict[Array, Any] = {"numeric": math.nan, "categorical": "", "date": np.datetime64("NaT", "ns")}
Pick = Callable[[], NDArray[np.int64]]  # draws a training row for each row to be made, (rows,)


def make(spec: ModelSpec, train: Part, holdout: Part) -> pd.DataFrame:
    """Return rows (rows, inputs) that no row of the data equals.

    If each of them equals one, as where a few categories have all of their combinations in the
    table, they are returned all the same: a combination that so few values make is nobody's.
    """
    rng = np.random.default_rng(SEED)
    inputs = schema(spec, train.X)
    pick = picker(rng, train.y, is_class=spec.has_classes)
    columns = {
        field.name: column(rng, pick, field, train.X[field.name].to_numpy()) for field in inputs
    }
    rows = pd.DataFrame(columns)
    for number, field in zip(range(GAPS), optional(inputs), strict=False):
        rows.loc[len(rows) - EDGES - GAPS + number, field.name] = GAP[KINDS[field.kind].array]
    return outside(rows.drop_duplicates(ignore_index=True), [train.X, holdout.X])


def picker(rng: Generator, y: NDArray[Any], *, is_class: bool) -> Pick:
    """Return what draws training rows so that row n is always of one class, or of close targets.

    `y` (rows,) is the truth of the training rows; of several numbers, (rows, targets), the first is
    what is close.
    """
    if is_class:
        y = strata(y, max(1, len(y) // MOST_STRATA))
        _, codes, sizes = np.unique(y.astype(str), return_inverse=True, return_counts=True)
        order, ends = np.argsort(codes, kind="stable"), np.cumsum(sizes)
        classes = np.arange(max(TYPICAL, PER_CLASS * len(sizes)) + GAPS + EDGES) % len(sizes)
        first, width = (ends - sizes)[classes], sizes[classes]
    else:
        first_target = y if y.ndim == 1 else y[:, 0]
        order, count = np.argsort(first_target, kind="stable"), TYPICAL + GAPS + EDGES
        width = np.full(count, max(1, round(NEIGHBOURS * len(y))))
        first = np.linspace(0, len(y) - width[0], count).astype(np.int64)
    return lambda: order[first + rng.integers(0, width)]


def column(rng: Generator, pick: Pick, field: Input, values: NDArray[Any]) -> NDArray[Any]:
    """Return the cells (made rows,) of an input, made from its training cells (rows,).

    The last EDGES of them are the ends of the range, or each of the categories in turn.
    """
    if field.kind == "categorical":
        known = np.array(field.categories or [""], dtype=object)
        cells = values[pick()]
        cells[cells == ""] = known[0]
        cells[-EDGES:] = known[np.arange(EDGES) % len(known)]
        return cells
    if field.kind == "text":  # the words of a real one may be somebody's
        return rng.choice(SAMPLES, len(pick()))
    if field.kind == "boolean":
        return rng.integers(0, 2, len(pick())).astype(np.float64)
    if field.minimum is None or field.maximum is None:
        return np.full(len(pick()), GAP[KINDS[field.kind].array])
    if field.kind == "date":
        return dates(rng, pick, field, values)
    cells = np.clip(between(rng, pick, values), field.minimum, field.maximum)
    ends = np.array([field.minimum, field.maximum])
    cells[-EDGES:] = rng.choice(ends, EDGES)
    cells[-2:] = ends
    return cells


def dates(
    rng: Generator, pick: Pick, field: Input, values: NDArray[np.datetime64]
) -> NDArray[np.datetime64]:
    """Return days, or minutes where there are times, that lie between two of the values (rows,)."""
    unit = "datetime64[m]" if field.times else "datetime64[D]"
    numbers = np.where(np.isnat(values), np.nan, values.astype(unit).astype(np.float64))
    made = between(rng, pick, numbers).astype(np.int64).astype(unit)
    ends = (np.datetime64(f"{year:.0f}-{day}", "m").astype(unit)
            for year, day in ((field.minimum, "01-01"), (field.maximum, "12-31")))  # fmt: skip
    moments: NDArray[np.datetime64] = np.clip(made, *ends).astype("datetime64[ns]")
    return moments


def between(rng: Generator, pick: Pick, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers (made rows,) that lie between two of the values (rows,), rounded.

    They have about two digits of the distance, so that no value can be read off them; numbers that
    are all whole stay so.
    """
    present = values[~np.isnan(values)]
    spread = (
        float(np.subtract(*np.quantile(present, [0.75, 0.25]))) or float(np.ptp(present)) or 1.0
    )
    first, other = (np.where(np.isnan(cells), np.median(present), cells)
                  for cells in (values[pick()], values[pick()]))  # fmt: skip
    made = first + rng.uniform(0.1, 0.9, len(first)) * (other - first)
    distance = np.maximum(np.abs(other - first), spread / 10)
    step = 10.0 ** np.floor(np.log10(distance / 10))
    if np.array_equal(present, np.round(present)):
        step = np.maximum(step, 1.0)
    return np.array([float(f"{cell:.12g}") for cell in np.round(made / step) * step])


def optional(inputs: list[Input]) -> list[Input]:
    """Return the inputs that may be missing, in turn, so often that each of GAPS rows has one."""
    missing = [field for field in inputs if field.missing]
    return missing * (GAPS // max(1, len(missing)) + 1)


def outside(rows: pd.DataFrame, tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows (rows, inputs) that stand in none of the tables; all, if all stand in one."""
    known: set[tuple[Any, ...]] = set()
    for table in tables:
        places = np.arange(len(table))
        for name in rows:  # what is left after each column is less and less
            places = places[table[name].iloc[places].isin(rows[name])]
        alike = table[list(rows)].iloc[places]
        known |= set(map(comparable, alike.itertuples(index=False, name=None)))
    fresh = [comparable(row) not in known for row in rows.itertuples(index=False, name=None)]
    return rows[fresh].reset_index(drop=True) if any(fresh) else rows


def comparable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a row in which a missing number equals another."""
    return tuple(None if pd.isna(cell) else cell for cell in row)
