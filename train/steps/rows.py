"""The rows of a model between the steps of its training, each of which may be its own container.

`training.arrow` is all that a model's code reads. `questions.arrow` has the holdout rows without
their truth, `examples.arrow` synthetic rows, for golden examples.
`holdout.arrow` has the truth, and no step that runs a model's code reads it.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
from msgspec.structs import replace
from numpy.typing import NDArray

from contract import models
from contract.spec import acceptances
from contract.spec.model_toml import ModelSpec
from train.data import dataset, table_checks
from train.data.split import Part, apart, classes, split_apart
from train.log import Log
from train.steps import row_files, synthetic_rows
from train.steps.row_files import Facts, RowFile

TRAINING, HOLDOUT, FOLDER = "training.arrow", "holdout.arrow", "folder"
QUESTIONS, EXAMPLES = "questions.arrow", "examples.arrow"


class Holdout(NamedTuple):
    """The holdout: its rows, with positions in the source and kept columns.

    The questions are shuffled into the order `asked`: in the order of the source, a table that is
    sorted by its target would give the truth away.
    """

    rows: RowFile
    asked: NDArray[np.int64]


def load_training(folder: Path) -> RowFile:
    """Read the training rows; their ids are no positions in the source, but numbers from 0."""
    return row_files.read(folder / TRAINING)


def load_questions(folder: Path) -> pd.DataFrame:
    """Read the holdout rows (rows, inputs), without their truth, in the order they are asked."""
    return row_files.read_questions(folder / QUESTIONS)


def load_examples(folder: Path) -> pd.DataFrame:
    """Read the synthetic rows (rows, inputs)."""
    return row_files.read_questions(folder / EXAMPLES)


def load_holdout(folder: Path) -> Holdout:
    """Read the holdout."""
    rows = row_files.read(folder / HOLDOUT)
    return Holdout(rows, order(rows.part))


def prepare(spec: ModelSpec, out: Path, log: Log) -> None:
    """Load and split the rows of a model, and write into `out` what each later step may read."""
    data = dataset.load(spec)
    dropped = (
        f", {data.dropped} without {' or '.join(spec.targets)} dropped" if data.dropped else ""
    )
    log("load", f"{data.rows} rows, {len(spec.inputs)} inputs from {spec.data.source}{dropped}")
    for warning in table_checks.before_split(spec, data):
        log("warning", warning)
    facts = Facts(sha256=data.sha256, dialect=data.dialect, classes=classes(spec, data))
    secret = replace(facts, secret=data.secret, layout=data.layout)
    rows = apart(data)
    del data  # as large as both parts
    training, holdout = split_apart(spec, rows)
    sizes = f"{len(training.y)} rows to train on, {len(holdout.y)} held out"
    log("split", f"{sizes}, {spec.split.rule}")
    for warning in table_checks.after_split(spec, training, holdout):
        log("warning", warning)
    copy_folder(spec, out / FOLDER)
    numbered = training._replace(ids=np.arange(len(training.ids)), others={})
    row_files.write(out / TRAINING, numbered, facts)
    row_files.write(out / HOLDOUT, holdout, secret)
    row_files.write_questions(out / QUESTIONS, holdout.X.iloc[order(holdout)])
    row_files.write_questions(out / EXAMPLES, synthetic_rows.make(spec, training, holdout))


def order(holdout: Part) -> NDArray[np.int64]:
    """Return the order (rows,) of the questions, shuffled by a hash of the held-out ids and truth.

    Who knows the table can compute it, as the author of a CSV in the repository does (SECURITY.md).
    """
    secret = msgspec.json.encode([holdout.ids.tolist(), holdout.y.tolist()])
    seed = int.from_bytes(hashlib.sha256(secret).digest())
    return np.random.default_rng(seed).permutation(len(holdout.y))


def copy_folder(spec: ModelSpec, target: Path) -> None:
    """Copy a model's folder as its code may read it: without its data, and without [accept].

    So the stages that fit and ask the model are not built again for a line there.
    """
    data = spec.folder / spec.data.source

    def hidden(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(folder, name) == data or name == "__pycache__"]

    shutil.copytree(spec.folder, target, symlinks=True, ignore=hidden)
    (target / models.SPEC).unlink()  # which may be a link
    (target / models.SPEC).write_bytes(acceptances.shaping(spec.file.read_bytes()))
