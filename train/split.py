"""Which rows train the model and which are held out to judge it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.model_selection import train_test_split

from model.errors import ModelError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from model.spec import ModelSpec
    from train.dataset import Dataset


class Part(NamedTuple):
    """Some of the rows; `ids` are their positions in the source."""

    X: pd.DataFrame
    y: NDArray[Any]
    ids: NDArray[np.int64]


def split(spec: ModelSpec, data: Dataset) -> tuple[Part, Part]:
    """Return the training rows and the holdout rows, each in the order of the source."""
    stratify = data.y if spec.task == "classification" else None
    try:
        chosen = train_test_split(
            np.arange(data.rows),
            test_size=spec.test_size,
            random_state=spec.seed,
            stratify=stratify,
        )
    except ValueError as error:
        found = f"{data.rows} rows{describe_classes(spec, data)}"
        expected = f"enough rows for test_size = {spec.test_size:g}"
        cure = f"{error} Add rows, drop or merge rare classes, or change test_size in {spec.file}."
        raise ModelError(spec.data.source, expected, found, cure) from error
    train, holdout = (part(data, np.sort(rows)) for rows in chosen)
    check_size(spec, train, holdout)
    return train, holdout


def part(data: Dataset, rows: NDArray[np.int64]) -> Part:
    return Part(data.X.iloc[rows].reset_index(drop=True), data.y[rows], data.ids[rows])


def check_size(spec: ModelSpec, train: Part, holdout: Part) -> None:
    """Every metric must exist in every fold: each class in each fold, or two rows per fold."""
    if spec.task == "regression":
        if len(holdout.y) < 2 or len(train.y) < 2 * spec.folds:
            expected = f"{2 * spec.folds} rows to train on and 2 to hold out"
            found = f"{len(train.y)} and {len(holdout.y)}"
            raise ModelError(
                spec.data.source, expected, found, "Add rows, or lower evaluate.folds."
            )
        return
    trained, held = Counter(train.y.tolist()), Counter(holdout.y.tolist())
    if len(trained) < 2:
        found = f"only {next(iter(trained))!r} in column {spec.target!r}"
        raise ModelError(spec.data.source, "data of two or more classes", found, "Add rows.")
    for label in sorted(trained):
        if trained[label] < spec.folds or not held[label]:
            where = f"{spec.data.source}: class {label!r}"
            expected = f"in {spec.folds} training rows (one per fold) and 1 holdout row or more"
            found = f"{trained[label]} and {held[label]}"
            cure = "Add rows, drop or merge the class, or change evaluate.folds or split.test_size."
            raise ModelError(where, expected, found, cure)


def describe_classes(spec: ModelSpec, data: Dataset) -> str:
    if spec.task == "regression":
        return ""
    counts = Counter(data.y.tolist()).most_common()
    return ", the rarest class {!r} {} times".format(*counts[-1]) if counts else ""
