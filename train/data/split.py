"""Split the rows into those that train the model and those that are held out to judge it."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from contract.bundle import Value
from contract.errors import ModelError
from contract.spec.model_toml import ModelSpec
from train.data.dataset import Dataset


class Part(NamedTuple):
    """Some of the rows: `X` (rows, inputs), `y` (rows,), and `ids` (rows,) in the source."""

    X: pd.DataFrame
    y: NDArray[Any]
    ids: NDArray[np.int64]
    others: dict[str, list[Value]]


def split(spec: ModelSpec, data: Dataset) -> tuple[Part, Part]:
    """Return the training rows and the holdout rows, each in the order of the source.

    Classes are stratified. Raises ModelError if a part would be too small to score every fold.
    """
    stratify = None
    if spec.task == "classification":
        stratify = data.y
        check_classes(spec, data)
    try:
        chosen = train_test_split(
            np.arange(data.rows),
            test_size=spec.test_size,
            random_state=spec.seed,
            stratify=stratify,
        )
    except ValueError as error:
        expected = f"large enough for test_size = {spec.test_size:g}"
        cure = f"{error} Add rows, merge classes, or change split.test_size."
        raise ModelError(spec.data.source, expected, f"{data.rows} rows", cure) from error
    train, holdout = (part(data, np.sort(rows)) for rows in chosen)
    check_parts(spec, train, holdout)
    return train, holdout


def check_classes(spec: ModelSpec, data: Dataset) -> None:
    """Check that there are two classes, each with two rows; raise ModelError if not."""
    counts = Counter(data.y.tolist())
    if len(counts) < 2:
        where = f"{spec.data.source}: column {spec.target!r}"
        got = f"only {next(iter(counts), None)!r}"
        raise ModelError(where, "of two classes or more", got, "Add rows of another class.")
    label, count = min(counts.items(), key=lambda item: item[1])
    if count < 2:
        where = f"{spec.data.source}: class {label!r} of {spec.target!r}"
        cure = "Add rows of it, or drop or merge it: it can't be both learned and judged."
        raise ModelError(where, "in two rows or more", "one row", cure)


def part(data: Dataset, rows: NDArray[np.int64]) -> Part:
    """Return the rows at the positions `rows` (rows,)."""
    others = {name: [values[row] for row in rows] for name, values in data.others.items()}
    return Part(data.X.iloc[rows].reset_index(drop=True), data.y[rows], data.ids[rows], others)


def check_parts(spec: ModelSpec, train: Part, holdout: Part) -> None:
    """Check that every metric exists in every fold; raise ModelError if one would not.

    It needs two rows per fold, or, of a classifier, each class in each fold.
    """
    if spec.task == "regression":
        if len(holdout.y) < 2 or len(train.y) < 2 * spec.folds:
            expected = f"of {2 * spec.folds} rows to train on and 2 to hold out, or more"
            got = f"{len(train.y)} and {len(holdout.y)}"
            cure = "Add rows, or lower evaluate.folds."
            raise ModelError(spec.data.source, expected, got, cure)
        return
    trained, held = Counter(train.y.tolist()), Counter(holdout.y.tolist())
    for label in sorted(trained):
        if trained[label] < spec.folds or not held[label]:
            where = f"{spec.data.source}: class {label!r} of {spec.target!r}"
            expected = f"in {spec.folds} training rows (one per fold) and 1 holdout row, or more"
            got = f"{trained[label]} and {held[label]}"
            cure = "Add rows, drop or merge the class, or change evaluate.folds or split.test_size."
            raise ModelError(where, expected, got, cure)
