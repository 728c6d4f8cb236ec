"""The rows of a model as its estimator gets them: a typed frame of inputs, and a target."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contract.bundle import Input, Value
from contract.errors import ModelError, did_you_mean
from contract.spec.model_toml import Kind, ModelSpec
from train.data.csv_table import CsvColumns, parse
from train.data.download import fetch
from train.data.split_keys import split_keys


class Dataset(NamedTuple):
    """The rows that have a target.

    `X` (rows, inputs) is the frame, `y` (rows,) the target, `ids` (rows,) the positions in the
    source; `dropped` counts the rows without a target. `others` are columns that the model does not
    get and the evaluation keeps; `keys` (rows,) decide on the split: see `train.data.split_keys`.
    """

    X: pd.DataFrame
    y: NDArray[Any]
    ids: NDArray[np.int64]
    sha256: str
    dropped: int
    others: dict[str, list[Value]]
    keys: NDArray[Any] | None = None

    @property
    def rows(self) -> int:
        """The number of rows with a target."""
        return len(self.ids)


def load(spec: ModelSpec) -> Dataset:
    """Fetch, parse and type the model's data; raise ModelError for the first mistake."""
    content, sha256 = fetch(spec)
    table = parse(content, f"{spec.file}: data.source {spec.data.source}")
    return from_table(spec, table, sha256)


def from_table(spec: ModelSpec, table: CsvColumns, sha256: str) -> Dataset:
    """Type the columns of a table; raise ModelError for the first mistake."""
    check_column(spec, table, spec.target, "target")
    for name in spec.inputs:
        check_column(spec, table, name, f"inputs.{name}")
    if spec.split.column:
        check_column(spec, table, spec.split.column, "split.column")
    target = table.columns[spec.target]
    kept = [row for row, cell in enumerate(target) if cell not in spec.data.missing]
    X = pd.DataFrame({name: column(spec, table, name, kept) for name in spec.inputs})
    labels = [target[row] for row in kept]
    if spec.task == "regression":
        y: NDArray[Any] = numbers(spec, table, spec.target, kept)
    else:
        y = class_labels(labels)
    dropped = table.rows - len(kept)
    ids = np.array(kept, dtype=np.int64)
    kept_others = others(spec, table, kept)
    return Dataset(X, y, ids, sha256, dropped, kept_others, keys(spec, table, X, kept))


def keys(
    spec: ModelSpec, table: CsvColumns, X: pd.DataFrame, rows: list[int]
) -> NDArray[Any] | None:
    """Return what decides on the split of the rows (rows,): see `train.data.split_keys`."""
    method, column = spec.split.method, spec.split.column
    names = table.columns if method == "hash" else [column] if column else []
    numeric = spec.columns("numeric") if method == "hash" else []  # typed already
    cells = {
        name: X[name].to_numpy() if name in numeric else [table.columns[name][row] for row in rows]
        for name in names
    }
    return split_keys(spec, cells, rows, lambda cell: number(cell, table.delimiter))


def others(spec: ModelSpec, table: CsvColumns, rows: list[int]) -> dict[str, list[Value]]:
    """Return the kept columns as they are written; as numbers only where every cell is one.

    Raises ModelError for a column that the table does not have.
    """
    result: dict[str, list[Value]] = {}
    for name in spec.kept:
        check_column(spec, table, name, f"gate.segments or evaluate.columns: {name}")
        cells = [table.columns[name][row] for row in rows]
        texts: list[Value] = [None if cell in spec.data.missing else cell for cell in cells]
        parsed = [cell and number(str(cell), table.delimiter) for cell in texts]
        gaps = [cell is None for cell in texts]
        whole = [value is None for value in parsed] == gaps
        result[name] = list(parsed) if whole else texts
    return result


def check_column(spec: ModelSpec, table: CsvColumns, name: str, key: str) -> None:
    """Check that the table has a column, named in model.toml as `key`; raise ModelError if not."""
    if name not in table.columns:
        expected = f"a column of {spec.data.source}"
        hint = did_you_mean(name, table.columns)
        raise ModelError(f"{spec.file}: {key}", expected, repr(name), hint)


def column(spec: ModelSpec, table: CsvColumns, name: str, rows: list[int]) -> pd.Series:
    """Return an input column (rows,); a missing number is NaN, a missing text is ""."""
    if spec.inputs[name] == "numeric":
        return pd.Series(numbers(spec, table, name, rows), dtype="float64")
    cells = table.columns[name]
    values = ["" if cells[row] in spec.data.missing else cells[row] for row in rows]
    return pd.Series(values, dtype="object")


def numbers(spec: ModelSpec, table: CsvColumns, name: str, rows: list[int]) -> NDArray[np.float64]:
    """Return a column of numbers (rows,), NaN where missing.

    Raises ModelError for a cell that is none.
    """
    cells = table.columns[name]
    values = np.empty(len(rows))
    for position, row in enumerate(rows):
        cell = cells[row]
        value = math.nan if cell in spec.data.missing else number(cell, table.delimiter)
        if value is None:
            where = f"{spec.data.source}: column {name!r}, row {row + 1}"
            cure = (
                f'If these are categories, write {name} = "categorical"; if {cell!r} means "no '
                f'value", add it to missing under [data] in {spec.file}.'
            )
            raise ModelError(where, "a number", repr(cell), cure)
        values[position] = value
    return values


def number(cell: str, delimiter: str) -> float | None:
    """Return a finite number, None for any other cell.

    Tables with semicolons often write 1,5 for 1.5.
    """
    if delimiter == ";" and cell.count(",") == 1 and "." not in cell:
        cell = cell.replace(",", ".")
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


def class_labels(labels: list[str]) -> NDArray[Any]:
    """Return the labels as an array (rows,) of integers or of texts.

    They are integers if each is written as one: 7 or 7.0, not 007.
    """
    whole = [label.removesuffix(".0") for label in labels]
    if all(label.removeprefix("-").isdecimal() and str(int(label)) == label for label in whole):
        return np.array([int(label) for label in whole], dtype=np.int64)
    return np.array(labels, dtype=object)


def schema(spec: ModelSpec, X: pd.DataFrame) -> list[Input]:
    """Describe the inputs by what the training rows X (rows, inputs) hold."""
    return [describe(name, kind, X[name]) for name, kind in spec.inputs.items()]


def describe(name: str, kind: Kind, values: pd.Series) -> Input:
    """Return the range or the categories of values (rows,), and whether some are missing."""
    if kind == "categorical":
        texts = sorted(set(values))
        known = [text for text in texts if text]
        return Input(name=name, kind=kind, missing="" in texts, categories=known)
    present = values.dropna()
    return Input(
        name=name,
        kind=kind,
        missing=len(present) < len(values),
        minimum=float(present.min()) if len(present) else None,
        maximum=float(present.max()) if len(present) else None,
    )


def features(X: pd.DataFrame) -> list[dict[str, Value]]:
    """Return rows X (rows, inputs) as JSON holds them: a missing value of either kind is null."""
    return [{str(name): value(cell) for name, cell in row.items()} for row in X.to_dict("records")]


def value(cell: Any) -> Value:
    """Return a cell of a frame as JSON holds it."""
    missing = cell == "" or (isinstance(cell, float) and math.isnan(cell))
    return None if missing else cell
