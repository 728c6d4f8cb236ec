"""Profile the CSV file of a new model: its columns, its target, its task."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from contract.bundle import Kind, Task
from contract.bundle.dialect import MISSING
from contract.errors import ModelError, did_you_mean
from train.data import csv_table
from train.new_model import column_types
from train.new_model.column_types import Column


class Draft(NamedTuple):
    """What is known about a new model before anything is trained."""

    name: str
    content: bytes
    target: str
    rows: int  # that have a target
    task: Task
    columns: list[Column]

    @property
    def file(self) -> str:
        """The name of the data file in the model's folder."""
        return f"{self.name}.csv"

    @property
    def sha256(self) -> str:
        """The sha256 of the data file."""
        return hashlib.sha256(self.content).hexdigest()

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


def read(name: str, csv: Path, target: str) -> Draft:
    """Read a CSV file and judge its columns.

    Raises ModelError if there is no such file or target, or no column to predict it from.
    """
    if not csv.is_file():
        known = sorted(file.name for file in csv.parent.glob("*.csv"))
        raise ModelError("CSV", "a file", repr(str(csv)), did_you_mean(csv.name, known))
    content = csv.read_bytes()
    parsed = csv_table.parse(content, str(csv))
    if target not in parsed.columns:
        hint = did_you_mean(target, parsed.columns)
        raise ModelError("TARGET", f"a column of {csv}", repr(target), hint)
    rows = [row for row, cell in enumerate(parsed.columns[target]) if cell not in MISSING]
    if not rows:
        raise ModelError(f"{csv}: column {target!r}", "filled in", "no value", "Check the target.")
    judged = [column_types.judge(parsed, name, rows) for name in parsed.columns if name != target]
    if not any(column.kind for column in judged):
        reasons = "; ".join(f"{column.name!r}: {column.reason}" for column in judged) or "no other"
        expected = f"a table with a column that can tell {target!r}"
        raise ModelError(csv, expected, reasons, "Add a column that varies with the target.")
    values = [parsed.columns[target][row] for row in rows]
    task = column_types.guess_task(values, parsed.dialect)
    return Draft(name, content, target, len(rows), task, judged)
