"""The rows of a model between the steps of its training, each of which may be its own container.

`training.json` is all that a model's code reads. `questions.json` has the holdout rows without
their truth. `holdout.json` has the truth, and no step that runs a model's code reads it.
"""

from __future__ import annotations

import hashlib
import math
import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contract.bundle import Label, Value
from contract.spec.model_toml import ModelSpec
from train.data import dataset, table_checks
from train.data.dataset import Dataset, value
from train.data.split import Part, split
from train.log import Log

TRAINING, HOLDOUT, QUESTIONS, FOLDER = "training.json", "holdout.json", "questions.json", "folder"


class Questions(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Rows without their truth: for each input, by its name, a list of cells."""

    columns: dict[str, list[Value]]
    numeric: list[str]  # the inputs that are numbers; the others are texts

    @property
    def X(self) -> pd.DataFrame:  # noqa: N802 - as scikit-learn calls it
        """The rows as an estimator takes them: (rows, inputs), floats with NaN or texts with ""."""
        return pd.DataFrame({name: self.column(name) for name in self.columns})

    def column(self, name: str) -> pd.Series:
        """Return a column (rows,) as an estimator takes it."""
        cells = self.columns[name]
        if name in self.numeric:
            values = [math.nan if cell is None else cell for cell in cells]
            return pd.Series(values, dtype="float64")
        return pd.Series(["" if cell is None else cell for cell in cells], dtype="object")


class Rows(Questions, kw_only=True, forbid_unknown_fields=True):
    """Rows with their truth, and the sha256 of their source, but not their positions in it.

    `groups` are those of `train.data.split.Part`.
    """

    sha256: str
    truth: list[Label]
    groups: list[int] | None = None

    @property
    def y(self) -> NDArray[Any]:
        """The truth (rows,): integers, numbers or texts."""
        kind = object if isinstance(self.truth[0], str) else None
        y: NDArray[Any] = np.array(self.truth, dtype=kind)
        return y

    @property
    def part(self) -> Part:
        """The rows as `train.data.split` returns them, numbered from 0."""
        groups = None if self.groups is None else np.array(self.groups, dtype=np.int64)
        return Part(self.X, self.y, np.arange(len(self.truth)), {}, groups)


class Holdout(Rows, kw_only=True, forbid_unknown_fields=True):
    """The holdout: `ids` are positions in the source, `others` kept columns.

    The questions are shuffled into the order `asked`: in the order of the source, a table that is
    sorted by its target would give the truth away.
    """

    ids: list[int]
    others: dict[str, list[Value]]
    asked: list[int]

    @property
    def part(self) -> Part:
        """The rows as `train.data.split` returns them, with their positions in the source."""
        return Part(self.X, self.y, np.array(self.ids, dtype=np.int64), self.others)


def prepare(spec: ModelSpec, out: Path, log: Log) -> None:
    """Load and split the rows of a model, and write into `out` what each later step may read."""
    data = dataset.load(spec)
    dropped = f", {data.dropped} without {spec.target} dropped" if data.dropped else ""
    log("load", f"{data.rows} rows, {len(spec.inputs)} inputs from {spec.data.source}{dropped}")
    for warning in table_checks.before_split(spec, data):
        log("warning", warning)
    training, holdout = split(spec, data)
    sizes = f"{len(training.y)} rows to train on, {len(holdout.y)} held out"
    log("split", f"{sizes}, {spec.split.rule}")
    for warning in table_checks.after_split(spec, training, holdout):
        log("warning", warning)
    copy_folder(spec, out / FOLDER)
    asked = order(holdout)
    written = {
        TRAINING: Rows(**fields(spec, training, data)),
        HOLDOUT: Holdout(
            **fields(spec, holdout, data),
            ids=holdout.ids.tolist(),
            others=holdout.others,
            asked=asked.tolist(),
        ),
        QUESTIONS: Questions(
            columns=columns(holdout.X.iloc[asked]), numeric=spec.columns("numeric")
        ),
    }
    for name, content in written.items():
        (out / name).write_bytes(msgspec.json.encode(content))


def order(holdout: Part) -> NDArray[np.int64]:
    """Return the order (rows,) of the questions, shuffled by a hash of the held-out ids and truth.

    Who knows the table can compute it, as the author of a CSV in the repository does (SECURITY.md).
    """
    secret = msgspec.json.encode([holdout.ids.tolist(), holdout.y.tolist()])
    seed = int.from_bytes(hashlib.sha256(secret).digest())
    return np.random.default_rng(seed).permutation(len(holdout.y))


def fields(spec: ModelSpec, part: Part, data: Dataset) -> dict[str, Any]:
    """Return the fields of `Rows` for some of the rows."""
    return {
        "columns": columns(part.X),
        "numeric": spec.columns("numeric"),
        "sha256": data.sha256,
        "truth": part.y.tolist(),
        "groups": None if part.groups is None else part.groups.tolist(),
    }


def copy_folder(spec: ModelSpec, target: Path) -> None:
    """Copy a model's folder without its data, as its code may read it."""
    data = spec.folder / spec.data.source

    def hidden(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(folder, name) == data or name == "__pycache__"]

    shutil.copytree(spec.folder, target, symlinks=True, ignore=hidden)


def columns(X: pd.DataFrame) -> dict[str, list[Value]]:
    """Return the columns of X (rows, inputs) as JSON holds them: what is missing is null."""
    return {str(name): [value(cell) for cell in cells.tolist()] for name, cells in X.items()}
