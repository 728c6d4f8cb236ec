"""The rows of a model as its estimator gets them: a typed frame of inputs, and a target."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from contract.arrays import column, values
from contract.bundle import Dialect, Input, Kind, Serving, Task, Value
from contract.dates import FIRST_YEAR, LAST_YEAR
from contract.errors import ModelError, did_you_mean
from contract.inputs import KINDS, Domain
from contract.spec.model_toml import ModelSpec
from train.data.cells import CellTyper, Floats, Texts, WrongCellError, any_texts
from train.data.download import fetch
from train.data.split_keys import row_hashes, split_keys
from train.data.table import Table
from train.data.targets import label_values

# How the values of a target are collected.
TARGETS: dict[Task, type[Floats | Texts]] = {
    "regression": Floats,
    "classification": Texts,
    "anomaly_detection": Texts,
}


class Dataset(NamedTuple):
    """The rows that have every target.

    `X` (rows, inputs) is the frame, `y` the truth as in `train.data.targets`, `ids` (rows,) the
    positions in the source; `dropped` counts the rows without a target. `others` are columns that
    the model does not get and the evaluation keeps; `keys` (rows,) decide on the split: see
    `train.data.split_keys`. `dialect` is how the source was written, where it is text. `secret` is
    a hash of all of the data that, unlike the sha256, is published nowhere: see
    `contract.evaluation.fingerprints`; `layout` is one of the names of its columns. `weights`
    (rows,) are how much each row counts; None: all the same.
    """

    X: pd.DataFrame
    y: NDArray[Any]
    ids: NDArray[np.int64]
    sha256: str
    dropped: int
    others: dict[str, list[Value]]
    dialect: Dialect = Dialect()
    keys: NDArray[Any] | None = None
    secret: str = ""
    layout: str = ""
    weights: NDArray[np.float64] | None = None

    @property
    def rows(self) -> int:
        """The number of rows with a target."""
        return len(self.ids)


def load(spec: ModelSpec) -> Dataset:
    """Fetch, parse and type the model's data; raise ModelError for the first mistake."""
    with fetch(spec) as data:
        columns = TypedColumns(spec)
        for source, table in data.tables.items():
            columns.read(source, table)
        names = {name for table in data.tables.values() for name in table.names}
        layout = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
        return columns.dataset(data.sha256)._replace(secret=data.secret, layout=layout)


class TypedColumns:
    """The columns that a model needs, typed batch by batch: the text is never there as a whole."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.columns = {
            name: Floats() if kind == "numeric" else Texts() for name, kind in spec.inputs.items()
        }
        self.others = {name: Texts() for name in spec.kept}
        self.targets = {name: TARGETS[spec.task]() for name in spec.targets}
        self.weights = Floats()
        self.hashes: list[NDArray[np.uint64]] = []  # of each row as a whole
        self.sides = Texts()  # the column that decides on the split
        self.ids: list[NDArray[np.int64]] = []
        self.rows = 0  # with and without a target
        self.dialect = Dialect(missing=spec.data.missing)

    def read(self, source: str, table: Table) -> None:
        """Add the rows of a table, named `source`; raise ModelError for the first mistake in it."""
        spec, typer, read = self.spec, CellTyper(table.dialect), 0
        keys = {
            **dict.fromkeys(spec.targets, "target"),
            **({spec.sample_weight: "sample_weight"} if spec.sample_weight else {}),
            **{name: f"inputs.{name}" for name in spec.inputs},
            **{name: f"gate.segments or evaluate.columns: {name}" for name in spec.kept},
            **({spec.split.column: "split.column"} if spec.split.column else {}),
        }
        for name, key in keys.items():
            if name not in table.names:
                hint = did_you_mean(name, table.names)
                raise ModelError(f"{spec.file}: {key}", f"a column of {source}", repr(name), hint)
        names = dict.fromkeys([*keys, *table.names]) if spec.split.method == "hash" else keys
        for batch in table.batches(list(names)):
            self.add(TypedBatch(spec, source, typer, batch, read))
            read += len(batch)
        self.rows += read
        commas = {"decimal": ","} if typer.has_decimal_commas else {}
        self.dialect = msgspec.structs.replace(table.dialect, **commas)

    def add(self, batch: TypedBatch) -> None:
        """Add the rows of a batch that have every target; raise ModelError for a wrong cell."""
        for name, kind in self.spec.inputs.items():
            self.columns[name].append(batch.column(name, kind))
        for name, texts in self.others.items():
            texts.append(batch.texts(name))
        if self.spec.split.method == "hash":
            self.hashes.append(batch.hashes())
        elif self.spec.split.column:
            self.sides.append(batch.texts(self.spec.split.column))
        if self.spec.sample_weight:
            self.weights.append(batch.weights(self.spec.sample_weight))
        for name, target in self.targets.items():
            target.append(batch.target(name))
        self.ids.append(batch.ids + self.rows)

    def dataset(self, sha256: str) -> Dataset:
        """Return all rows; the columns are emptied one by one, so that memory holds each once."""
        X = pd.DataFrame(
            {name: series(self.spec, name, self.columns.pop(name)) for name in self.spec.inputs},
            copy=False,
        )
        ids = np.concatenate(self.ids)
        return Dataset(
            X,
            self.truth(),
            ids,
            sha256,
            self.rows - len(ids),
            {name: kept_values(texts, self.dialect) for name, texts in self.others.items()},
            self.dialect,
            self.keys(ids),
            weights=self.weights.array() if self.spec.sample_weight else None,
        )

    def keys(self, ids: NDArray[np.int64]) -> NDArray[Any] | None:
        """Return what decides on the split of the rows (rows,), at the positions `ids` (rows,)."""
        if self.spec.split.method == "hash":
            return np.concatenate(self.hashes)
        return split_keys(self.spec, self.sides.array(), ids, self.dialect.number)

    def truth(self) -> NDArray[Any]:
        """Return the truth, (rows,) or (rows, targets), as in `train.data.targets`."""
        columns = [self.values(name, target) for name, target in self.targets.items()]
        return np.column_stack(columns) if self.spec.several else columns[0]

    def values(self, name: str, target: Floats | Texts) -> NDArray[Any]:
        """Return a target (rows,): numbers, or classes as integers or texts, labels as 1 and 0.

        Raises ModelError for a label that is neither true nor false.
        """
        if isinstance(target, Floats):
            return target.array()
        words, codes = target.words_and_codes()
        is_label = self.spec.labels
        known = label_values(self.spec, name, words) if is_label else class_labels(words)
        values: NDArray[Any] = known[codes]
        return values


class TypedBatch:
    """Rows of a table that have every target, of a batch that begins after `read` rows."""

    def __init__(
        self, spec: ModelSpec, source: str, typer: CellTyper, batch: pa.RecordBatch, read: int
    ) -> None:
        self.spec, self.source, self.typer = spec, source, typer
        self.batch = batch
        self.parsed: dict[str, NDArray[np.float64]] = {}  # the columns of numbers
        self.ids = np.arange(read, read + len(batch))
        self.targets = {name: self.texts(name) for name in spec.targets}
        for target in spec.targets:
            texts = self.targets[target]
            if texts.null_count:
                kept = texts.is_valid()
                self.batch = self.batch.filter(kept)
                self.targets = {name: texts.filter(kept) for name, texts in self.targets.items()}
                self.ids = self.ids[kept.to_numpy(zero_copy_only=False)]

    def column(self, name: str, kind: Kind) -> Any:
        """Return an input (rows,), as it is collected.

        Raises ModelError for a cell that its kind cannot hold.
        """
        if kind == "numeric":
            return self.numbers(name)
        texts, domain = self.texts(name), any_domain(self.spec, name)
        for code, word in enumerate(texts.dictionary.to_pylist()):
            if not domain.accepts(domain.cell(word)):
                codes = texts.indices.fill_null(-1).to_numpy(zero_copy_only=False)
                raise self.wrong_cell(name, int(np.argmax(codes == code)), word)
        return texts

    def hashes(self) -> NDArray[np.uint64]:
        """Return a hash of each row (rows,), made from every column."""
        columns = {name: self.hashed(name) for name in self.batch.schema.names}
        return row_hashes(columns, self.spec.data.missing, self.typer.dialect.number)

    def hashed(self, name: str) -> NDArray[Any]:
        """Return a column (rows,) as numbers where all are some, else as texts."""
        column = self.batch.column(name)
        with suppress(WrongCellError):
            return self.parse(name)
        with suppress(WrongCellError):
            return Texts([self.typer.texts(column)]).array()
        return any_texts(column)

    def parse(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers (rows,), parsed once; raise WrongCellError for another."""
        if name not in self.parsed:
            self.parsed[name] = self.typer.numbers(self.batch.column(name))
        return self.parsed[name]

    def target(self, name: str) -> Any:
        """Return a target (rows,): numbers of a regression, else texts."""
        is_number = self.spec.task == "regression"
        return self.numbers(name) if is_number else self.targets[name]

    def weights(self, name: str) -> NDArray[np.float64]:
        """Return the weights (rows,); raise ModelError for one that is missing or negative."""
        weights = self.numbers(name)
        wrong = np.flatnonzero(~(weights >= 0))
        if len(wrong):
            place, weight = self.ids[wrong[0]] + 1, weights[wrong[0]]
            where = f"{self.source}: column {name!r}, row {place}"
            got = "no value" if np.isnan(weight) else f"{weight:g}"
            cure = "Mend the data; 0 is for a row that does not count."
            raise ModelError(where, "a number from 0, as it is the weight of a row", got, cure)
        return weights

    def texts(self, name: str) -> pa.DictionaryArray:
        """Return a column of texts (rows,); raise ModelError for one that holds none."""
        try:
            return self.typer.texts(self.batch.column(name))
        except WrongCellError as error:
            where = f"{self.source}: column {name!r}"
            cure = f"Leave it out of {self.spec.file}, or write it as texts."
            raise ModelError(where, "a column of numbers or texts", error.cell, cure) from error

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column of numbers (rows,), NaN where missing.

        Raises ModelError for a cell that is none.
        """
        try:
            return self.parse(name)
        except WrongCellError as error:
            raise self.wrong_cell(name, error.position, error.cell) from error

    def wrong_cell(self, name: str, position: int, cell: object) -> ModelError:
        """Return the error for a cell of a column, at a position, that its kind cannot hold."""
        kind = self.spec.inputs.get(name, "numeric")  # the target of a regression
        where = f"{self.source}: column {name!r}, row {self.ids[position] + 1}"
        expected = "a number" if kind == "numeric" else any_domain(self.spec, name).words
        cure = KINDS[kind].cure.format(name=name)
        missing = (
            f'if {cell!r} means "no value", add it to missing under [data] in {self.spec.file}.'
        )
        return ModelError(where, expected, repr(cell), f"{cure}; {missing}")


def any_domain(spec: ModelSpec, name: str) -> Domain:
    """Return what an input may hold whatever the training rows are."""
    options = spec.options_of(name)
    field = Input(
        name=name, kind=spec.inputs[name], missing=True, true=options.true, false=options.false
    )
    return Domain.of(field, Serving())


def series(spec: ModelSpec, name: str, cells: Floats | Texts) -> pd.Series:
    """Return an input (rows,) of all batches, as `contract.arrays` has it; equal texts are one."""
    if isinstance(cells, Floats):
        array: NDArray[Any] = cells.array()
    else:
        domain, (words, codes) = any_domain(spec, name), cells.words_and_codes()
        array = column(domain.array, [*map(domain.cell, words), None])[codes]
    return pd.Series(array, dtype=array.dtype)


def kept_values(texts: Texts, dialect: Dialect) -> list[Value]:
    """Return a kept column as it is written; as numbers only where every cell is one."""
    words, codes = texts.words_and_codes()
    numbers = [dialect.number(word) for word in words]
    values: list[Value] = list(words if None in numbers else numbers)
    return [None if code < 0 else values[code] for code in codes.tolist()]


def class_labels(labels: Sequence[str]) -> NDArray[Any]:
    """Return labels (labels,) as integers or as texts.

    They are integers if each is written as one: 7 or 7.0, not 007.
    """
    whole = [label.removesuffix(".0") for label in labels]
    if all(label.removeprefix("-").isdecimal() and str(int(label)) == label for label in whole):
        return np.array([int(label) for label in whole], dtype=np.int64)
    return np.array(labels, dtype=object)


def schema(spec: ModelSpec, X: pd.DataFrame) -> list[Input]:
    """Describe the inputs by what the training rows X (rows, inputs) hold."""
    return [describe(spec, name, X[name].to_numpy()) for name in spec.inputs]


def describe(spec: ModelSpec, name: str, values: NDArray[Any]) -> Input:
    """Return what is known of an input by its values (rows,), and what model.toml says of it."""
    kind = spec.inputs[name]
    field = Input(name=name, kind=kind, **msgspec.structs.asdict(spec.options_of(name)))
    gaps = is_missing(values)
    field.missing, present = bool(gaps.any()), values[~gaps]
    if kind == "categorical":
        field.categories = sorted(set(present))
    elif len(present) and kind != "text":
        ends = (present.min(), present.max())
        field.minimum, field.maximum = (float(year(end) if kind == "date" else end) for end in ends)
    if kind == "date":
        field.times = bool((present != present.astype("datetime64[D]")).any())
    return field


def is_missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where a column (rows,) of `contract.arrays` has no value."""
    missing: NDArray[np.bool_] = values == "" if values.dtype == object else np.isnan(values)
    return missing


def year(moment: np.datetime64) -> int:
    """Return the year of a moment, which an offset may have moved out of those of dates."""
    return min(max(int(str(moment)[:4]), FIRST_YEAR), LAST_YEAR)


def features(kinds: Mapping[str, Kind], X: pd.DataFrame) -> list[dict[str, Value]]:
    """Return rows X (rows, inputs) as JSON holds them: a missing value of any kind is null."""
    by_name = Columns(kinds, X)
    return [dict(zip(by_name, row, strict=True)) for row in zip(*by_name.values(), strict=True)]


class Columns(Mapping[str, list[Value]]):
    """The columns of X (rows, inputs) as JSON holds them: what is missing is null.

    Each is made when it is asked for, as Python's objects take four times the memory of an array.
    """

    def __init__(self, kinds: Mapping[str, Kind], X: pd.DataFrame) -> None:
        self.kinds = kinds
        self.X = X

    def __getitem__(self, name: str) -> list[Value]:
        return values(self.kinds[name], self.X[name].to_numpy())

    def __iter__(self) -> Iterator[str]:
        return iter(self.kinds)

    def __len__(self) -> int:
        return len(self.kinds)
