"""Profile the table of a new model: its columns, its target, its task."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from contract.bundle import Dialect, Kind, Task
from contract.bundle.dialect import MISSING
from contract.errors import ModelError, did_you_mean
from train.data import formats
from train.data.cells import CellTyper, Texts, WrongCellError
from train.data.download import hash_of
from train.data.table import Table
from train.new_model import column_types
from train.new_model.column_types import Cells, Column

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".arrow", ".feather")
COMPRESSED = (".gz", ".zst")


class Draft(NamedTuple):
    """What is known about a new model before anything is trained."""

    name: str
    table: Path  # a file that train.data reads
    target: str
    rows: int  # that have a target
    task: Task
    classes: int  # different values of the target
    columns: list[Column]
    sha256: str

    @property
    def file(self) -> str:
        """The name of the data file in the model's folder."""
        *_, inner, outer = ["", "", *(suffix.lower() for suffix in self.table.suffixes)]
        compression = outer if outer in COMPRESSED else ""
        kind = inner if compression else outer
        return f"{self.name}{kind if kind in SUFFIXES else '.csv'}{compression}"

    def of_kind(self, kind: Kind) -> list[str]:
        """Return the names of the inputs of a kind."""
        return [column.name for column in self.columns if column.kind == kind]

    @property
    def inputs(self) -> list[str]:
        """The names of all inputs."""
        return [column.name for column in self.columns if column.kind]

    @property
    def left_out(self) -> list[str]:
        """Why each other column is not an input, one line each."""
        texts = (
            f"{column.name}, because {column.reason}" for column in self.columns if column.reason
        )
        return [" ".join(text.split()) for text in texts]


def read(name: str, file: Path, target: str) -> Draft:
    """Read a table and judge its columns.

    Raises ModelError if there is no such file or target, or no column to predict it from.
    """
    if not file.is_file():
        known = sorted(other.name for other in file.parent.glob("*.csv"))
        raise ModelError("CSV", "a file", repr(str(file)), did_you_mean(file.name, known))
    table = formats.open_table(file, str(file), Dialect(missing=MISSING))
    if target not in table.names:
        hint = did_you_mean(target, table.names)
        raise ModelError("TARGET", f"a column of {file}", repr(target), hint)
    cells, others = read_cells(table, target)
    known_target = cells.pop(target)
    if not known_target.rows:
        raise ModelError(f"{file}: column {target!r}", "filled in", "no value", "Check the target.")
    judged = {other: column_types.judge(other, cells[other], table.dialect) for other in cells}
    columns = [others.get(other) or judged[other] for other in table.names if other != target]
    if not any(column.kind for column in columns):
        reasons = "; ".join(f"{column.name!r}: {column.reason}" for column in columns)
        expected = f"a table with a column that can tell {target!r}"
        cure = "Add a column that varies with the target."
        raise ModelError(file, expected, reasons or "no other", cure)
    task = column_types.guess_task(known_target, table.dialect)
    rows, classes = known_target.rows, len(known_target.words)
    return Draft(name, file, target, rows, task, classes, columns, hash_of(file))


def read_cells(table: Table, target: str) -> tuple[dict[str, Cells], dict[str, Column]]:
    """Return the cells of each column in the rows that have a target.

    And of the others, which are no column of numbers or texts, why they are left out. Raises
    ModelError for a target that is such.
    """
    typer = CellTyper(table.dialect)
    columns = {name: Texts() for name in table.names}
    others: dict[str, Column] = {}
    for batch in table.batches(table.names):
        try:
            kept = batch.filter(typer.texts(batch.column(target)).is_valid())
        except WrongCellError as error:
            where = f"TARGET: column {target!r}"
            cure = "Choose another."
            raise ModelError(where, "of numbers or texts", error.cell, cure) from error
        for name in columns.keys() - others:
            try:
                columns[name].append(typer.texts(kept.column(name)))
            except WrongCellError as error:
                reason = f"each of its cells is {error.cell}"
                others[name] = Column(name, None, reason)
    return {name: count(columns[name]) for name in table.names if name not in others}, others


def count(texts: Texts) -> Cells:
    """Return the different words of a column, and how many of its cells have one."""
    words, codes = texts.words_and_codes()
    return Cells(words, int((codes >= 0).sum()), len(codes))
