"""What decides on which side of the split a row is: a hash of it, its group, its time, or a word.

A hash depends on the row alone. It is made from every column of the source, inputs or not, so that
neither new rows nor another choice of inputs move a row. A cell without a value adds nothing: a
column that is new and empty in the rows that were there before moves none of them either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contract.errors import ModelError
from contract.spec.model_toml import ModelSpec

NUMBERING = re.compile(r"unnamed_\d+|__index_level_\d+__")  # as pandas writes a frame's index
SIDES = {"train": False, "test": True}
Hashes = NDArray[np.uint64]
Cells = Sequence[str] | NDArray[Any]  # texts, or floats with NaN
Parse = Callable[[str], float | None]  # a cell as a number, None if it is none


def split_keys(
    spec: ModelSpec, column: NDArray[np.object_], rows: NDArray[np.int64], parse: Parse
) -> NDArray[Any] | None:
    """Return what the column of [split] decides for each row (rows,); None where there is none.

    For `group` a hash, for `time` how long after the first held-out time the row is, for `given`
    whether it is held out; `row_hashes` decide for `hash`. `rows` (rows,) are the rows' positions
    in the source. Raises ModelError for a row whose cell decides nothing.
    """
    method, missing = spec.split.method, spec.data.missing
    if method == "random" or not len(rows):
        return None
    cells = column.tolist()
    expected = "train or test" if method == "given" else "given, as it decides on the row's side"
    strange = SIDES.keys().__contains__ if method == "given" else lambda cell: cell not in missing
    for row, cell in zip(rows, cells, strict=True):
        if not strange(cell):
            raise fault(spec, row, expected, cell)
    if method == "given":
        return np.array([SIDES[cell] for cell in cells])
    if method == "group":
        return cell_hashes(cells, missing, parse)
    return times(spec, rows, cells, parse)


def fault(spec: ModelSpec, row: int, expected: str, got: object) -> ModelError:
    """Return the error for the cell of a row that decides nothing."""
    where = f"{spec.data.source}: column {spec.split.column!r}, row {row + 1}"
    cure = f"Mend or drop the row, or change [split] in {spec.file}."
    return ModelError(where, expected, repr(got), cure)


def row_hashes(columns: Mapping[str, Cells], missing: Sequence[str], parse: Parse) -> Hashes:
    """Return a hash (rows,) of the cells of each row, by the name and not the order of columns.

    The numbering of rows that pandas writes into a file is left out.
    """
    total: Hashes = np.zeros(len(next(iter(columns.values()))), dtype=np.uint64)
    for name, cells in columns.items():
        if not NUMBERING.fullmatch(name):
            hashed = cell_hashes(cells, missing, parse)
            total += np.where(hashed == 0, np.uint64(0), mix(hashed ^ text_hashes([name])))
    return total


def cell_hashes(cells: Cells, missing: Sequence[str], parse: Parse) -> Hashes:
    """Return a hash of each cell (rows,), 0 of one without a value; equal numbers hash equally."""
    values = np.asarray(cells)
    if values.dtype.kind == "f":
        return np.where(np.isnan(values), np.uint64(0), number_hashes(values))
    places, texts = pd.factorize(np.asarray(cells, dtype=object))
    numbers = np.array([np.nan if (n := parse(text)) is None else n for text in texts])
    hashes = np.where(np.isnan(numbers), text_hashes(texts), number_hashes(numbers))
    hashes[[text in missing for text in texts]] = 0
    taken: Hashes = hashes[places]
    return taken


def text_hashes(texts: Sequence[str] | NDArray[Any]) -> Hashes:
    """Return a hash of each text (rows,): SipHash-2-4 (Aumasson and Bernstein 2012)."""
    hashes: Hashes = pd.util.hash_array(np.array(texts, dtype=object), categorize=False)
    return hashes


def number_hashes(numbers: NDArray[np.float64]) -> Hashes:
    """Return a hash of each number (rows,), that of 0 for -0."""
    return mix((numbers + 0.0).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15))


def mix(values: Hashes) -> Hashes:
    """Return the values (rows,) with every bit spread over all of them.

    The finalizer of SplitMix64 (Steele, Lea and Flood 2014).
    """
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def shares(keys: Hashes, seed: int) -> NDArray[np.float64]:
    """Return a number from 0 to 1 for each hash (rows,), other ones with another seed."""
    spread = mix(keys ^ mix(np.array([seed + 1], dtype=np.uint64)))
    return (spread >> np.uint64(11)).astype(np.float64) / 2**53


def times(
    spec: ModelSpec, rows: NDArray[np.int64], cells: Sequence[str], parse: Parse
) -> NDArray[Any]:
    """Return how long (rows,) after the first time that is held out each time is.

    In units of a column of numbers, or in ns. A date without a zone is taken for UTC. Raises
    ModelError for a cell that is no ISO 8601 date where the first one is, and no number where the
    first one is one.
    """
    cut = spec.split.cut
    texts = [*cells] if cut is None else [*cells, cut]
    if parse(cells[0]) is not None:
        expected = "a number, as those before it"
        numbers = [parse(text) for text in texts]
        strange = [number is None for number in numbers]
        values: NDArray[Any] = np.array(numbers, dtype=np.float64)
    else:
        expected = "a date such as 2024-01-31 (ISO 8601)"
        dates = pd.to_datetime(pd.Series(texts), format="ISO8601", utc=True, errors="coerce")
        # pandas would take "now" for a date, and another one at every training.
        strange = [not text[:1].isdecimal() for text in texts]
        strange = (dates.isna().to_numpy() | strange).tolist()
        values = dates.astype("datetime64[ns, UTC]").astype(np.int64).to_numpy()
    if any(strange[: len(cells)]):
        place = strange.index(True)
        raise fault(spec, rows[place], expected, cells[place])
    if strange[-1]:
        cure = f"Write it as column {spec.split.column!r} has it."
        raise ModelError(f"{spec.file}: split.cut", expected, repr(cut), cure)
    first = newest(values, spec.split.test_size or 0) if cut is None else values[-1]
    after: NDArray[Any] = values[: len(cells)] - first
    return after


def newest(values: NDArray[Any], share: float) -> Any:
    """Return the first of the newest `share` of times (rows,), at least one."""
    return np.sort(values)[-max(1, round(share * len(values)))]
