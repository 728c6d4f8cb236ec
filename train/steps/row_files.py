"""Rows in a file between the steps of a training: Arrow's IPC format, mapped and not parsed.

The inputs are copied out of the mapped file column by column, as an estimator may write into what
it gets; what was copied no longer counts as memory of the process.
"""

from __future__ import annotations

from mmap import ACCESS_READ, MADV_DONTNEED, mmap
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import ipc

from contract.bundle import Dialect
from train.data.cells import Texts
from train.data.split import Part

INPUT, OTHER = "input:", "other:"  # before the names of columns
TRUTH, IDS, GROUPS, WEIGHTS = "truth", "ids", "groups", "weights"  # of several: truth0, truth1
FACTS = b"facts"


class Facts(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is known of the source: its sha256, and how it was written, where it is text.

    `classes` are those of the target, as a bundle has them; None of numbers. `secret` and `layout`
    are those of `train.data.dataset.Dataset`.
    """

    sha256: str
    dialect: Dialect
    classes: list[int | str] | None = None
    secret: str = ""
    layout: str = ""


class RowFile(NamedTuple):
    """The rows in a file, and what is known of their source."""

    part: Part
    facts: Facts


class MappedTable(NamedTuple):
    """A table whose columns are those of a mapped file."""

    table: pa.Table
    file: mmap


def write(file: Path, part: Part, facts: Facts) -> None:
    """Write rows with their truth."""
    columns = {
        **frame_columns(part.X),
        **truth_columns(part.y),
        IDS: pa.array(part.ids),
        **({} if part.groups is None else {GROUPS: pa.array(part.groups)}),
        **({} if part.weights is None else {WEIGHTS: pa.array(part.weights)}),
        **{f"{OTHER}{name}": pa.array(values) for name, values in part.others.items()},
    }
    store(file, pa.table(columns, metadata={FACTS: msgspec.json.encode(facts)}))


def write_questions(file: Path, X: pd.DataFrame) -> None:
    """Write rows X (rows, inputs) without anything else."""
    store(file, pa.table(frame_columns(X)))


def read(file: Path) -> RowFile:
    """Read what `write` wrote."""
    mapped = load(file)
    table = mapped.table
    others = {
        name.removeprefix(OTHER): table[name].to_pylist()
        for name in table.column_names
        if name.startswith(OTHER)
    }
    groups, weights = (
        values(table[name]) if name in table.column_names else None for name in (GROUPS, WEIGHTS)
    )
    part = Part(frame(mapped), truth(table), values(table[IDS]), others, groups, weights)
    return RowFile(part, msgspec.json.decode(table.schema.metadata[FACTS], type=Facts))


def read_questions(file: Path) -> pd.DataFrame:
    """Read rows (rows, inputs) without their truth."""
    return frame(load(file))


def frame_columns(X: pd.DataFrame) -> dict[str, pa.Array]:
    """Return the columns of X (rows, inputs), by their names in a file."""
    return {f"{INPUT}{name}": column(cells.to_numpy()) for name, cells in X.items()}


def truth_columns(y: NDArray[Any]) -> dict[str, pa.Array]:
    """Return the truth (rows,) or (rows, targets), by the names in a file."""
    if y.ndim == 1:
        return {TRUTH: column(y)}
    return {f"{TRUTH}{place}": column(values) for place, values in enumerate(y.T)}


def truth(table: pa.Table) -> NDArray[Any]:
    """Return the truth, (rows,) or (rows, targets), as `truth_columns` took it."""
    if TRUTH in table.column_names:
        return values(table[TRUTH]).copy()
    names = [name for name in table.column_names if name.startswith(TRUTH)]
    return np.column_stack([values(table[f"{TRUTH}{place}"]) for place in range(len(names))])


def column(array: NDArray[Any]) -> pa.Array:
    """Return an array (rows,) for a file; texts are stored once each."""
    return pa.array(array).dictionary_encode() if array.dtype == object else pa.array(array)


def frame(mapped: MappedTable) -> pd.DataFrame:
    """Return a copy of the inputs (rows, inputs), with the types that an estimator gets.

    Numbers alone are one block, which scikit-learn takes as it is; columns side by side it copies.
    """
    names = [name for name in mapped.table.column_names if name.startswith(INPUT)]
    inputs = [name.removeprefix(INPUT) for name in names]
    if {mapped.table.schema.field(name).type for name in names} == {pa.float64()}:
        block = np.empty((len(names), mapped.table.num_rows))
        for place, name in enumerate(names):
            block[place] = values(mapped.table[name])
            mapped.file.madvise(MADV_DONTNEED)
        return pd.DataFrame(block.T, columns=inputs, copy=False)
    series = {}
    for name, of_file in zip(inputs, names, strict=True):
        array = values(mapped.table[of_file])
        series[name] = pd.Series(array, dtype=array.dtype)
        mapped.file.madvise(MADV_DONTNEED)
    return pd.DataFrame(series, copy=False)


def values(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return a column (rows,) of a file; numbers are those of the mapped file, and read-only."""
    if pa.types.is_dictionary(column.type):
        return Texts(column.chunks).array()
    array: NDArray[Any] = column.combine_chunks().to_numpy(zero_copy_only=False)
    return array


def store(file: Path, table: pa.Table) -> None:
    """Write a table as one batch."""
    with ipc.new_file(file, table.schema) as writer:
        writer.write_table(table.combine_chunks())


def load(file: Path) -> MappedTable:
    """Map a file that `store` wrote."""
    with file.open("rb") as opened:
        mapped = mmap(opened.fileno(), 0, access=ACCESS_READ)
    return MappedTable(ipc.open_file(pa.py_buffer(mapped)).read_all(), mapped)
