"""Split the rows into those that train the model and those that are held out to judge it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray

from contract.bundle import SplitMethod, Value
from contract.errors import ModelError, did_you_mean
from contract.evaluation.metrics import parts
from contract.spec.model_toml import ModelSpec
from train.data.dataset import Dataset
from train.data.split_keys import shares
from train.data.targets import by_name, strata

Mask = NDArray[np.bool_]
LISTED = 5  # values in one message
# What else helps where a part is too small.
CURES: dict[SplitMethod, str] = {
    "hash": 'write method = "random" under [split], which takes the same share of every class',
    "random": "change split.test_size",
    "group": "change split.test_size or split.seed",
    "time": "change split.cut or split.test_size",
    "given": "change the column that says train or test",
}


class Part(NamedTuple):
    """Some of the rows: `X` (rows, inputs), `y` as in `train.data.targets`, and `ids` (rows,).

    `ids` are the positions in the source.
    `groups` (rows,) are what folds must respect: the number of each row's group, or its place in
    time; None where rows are alone. `weights` (rows,) are how much each counts; None: all the same.
    """

    X: pd.DataFrame
    y: NDArray[Any]
    ids: NDArray[np.int64]
    others: dict[str, list[Value]]
    groups: NDArray[np.int64] | None = None
    weights: NDArray[np.float64] | None = None

    @property
    def counted(self) -> NDArray[Any]:
        """The targets of the rows (rows,) whose weight is more than 0."""
        return self.y if self.weights is None else self.y[self.weights > 0]

    def take(self, rows: NDArray[np.int64]) -> Part:
        """Return the rows at the positions `rows` (rows,), with indices from 0."""
        others = {name: [values[row] for row in rows] for name, values in self.others.items()}
        groups = None if self.groups is None else self.groups[rows]
        weights = None if self.weights is None else self.weights[rows]
        X = self.X.iloc[rows].reset_index(drop=True)
        return Part(X, self.y[rows], self.ids[rows], others, groups, weights)


class Apart(NamedTuple):
    """Rows without their inputs, whose columns (rows,) are in a dictionary."""

    bare: Dataset
    columns: dict[str, ExtensionArray]


def apart(data: Dataset) -> Apart:
    """Take the inputs out of rows."""
    columns = {str(name): cells.array for name, cells in data.X.items()}
    return Apart(data._replace(X=pd.DataFrame(index=range(data.rows))), columns)


def split(spec: ModelSpec, data: Dataset) -> tuple[Part, Part]:
    """Return the training rows and the holdout rows, each in the order of the source.

    Raises ModelError if a part would be too small to score every fold.
    """
    return split_apart(spec, apart(data))


def split_apart(spec: ModelSpec, rows: Apart) -> tuple[Part, Part]:
    """Return the same of rows whose columns are taken out of their dictionary one by one.

    So memory holds no value twice, where nothing else holds the columns.
    """
    data = rows.bare
    if spec.has_classes:
        check_classes(spec, data)
    held = held_out(spec, data)
    if held.all() or not held.any():
        expected = "a table with rows on both sides of the split"
        raise too_small(spec, spec.data.source, expected, int((~held).sum()), int(held.sum()))
    grouped = groups(spec, data)
    everything = Part(data.X, data.y, data.ids, data.others, grouped, data.weights)
    sides = np.flatnonzero(~held), np.flatnonzero(held)
    train, holdout = divide(everything, rows.columns, sides)
    check_parts(spec, train, holdout)
    return train, holdout


def divide(
    bare: Part, columns: dict[str, ExtensionArray], sides: Sequence[NDArray[np.int64]]
) -> list[Part]:
    """Return the rows of `bare` at each of the positions (rows,), with their columns.

    The columns are taken out of the dictionary one by one.
    """
    frames: list[dict[str, pd.Series]] = [{} for _ in sides]
    for name in list(columns):
        cells = columns.pop(name)
        for frame, rows in zip(frames, sides, strict=True):
            frame[name] = pd.Series(cells[rows], copy=False)
    return [
        bare.take(rows)._replace(X=pd.DataFrame(frame, copy=False))
        for frame, rows in zip(frames, sides, strict=True)
    ]


def held_out(spec: ModelSpec, data: Dataset) -> Mask:
    """Return whether each row (rows,) is held out, as `contract.bundle.Split` says."""
    rule, keys = spec.split, data.keys
    if keys is None:
        return at_random(spec, data)
    if rule.method == "given":
        return keys
    if rule.method == "time":
        return keys >= 0
    return shares(keys, rule.seed) < (rule.test_size or 0)


def at_random(spec: ModelSpec, data: Dataset) -> Mask:
    """Return a random choice (rows,), of each class the same share.

    Raises ModelError where there are too few rows for that.
    """
    from sklearn.model_selection import train_test_split  # noqa: PLC0415 - takes a second

    share = spec.split.test_size or 0
    least = math.ceil(2 / min(share, 1 - share))  # rows of a stratum: two or so on each side
    try:
        _, chosen = train_test_split(
            np.arange(data.rows),
            test_size=share,
            random_state=spec.seed,
            stratify=strata(data.y, least) if spec.has_classes else None,
        )
    except ValueError as error:
        expected = f"large enough for test_size = {share:g}"
        cure = f"{error} Add rows, merge classes, or change split.test_size."
        raise ModelError(spec.data.source, expected, f"{data.rows} rows", cure) from error
    return np.isin(np.arange(data.rows), chosen)


def groups(spec: ModelSpec, data: Dataset) -> NDArray[np.int64] | None:
    """Return what folds must respect (rows,): groups by number, times by their order; or None."""
    if data.keys is None or spec.split.method not in ("group", "time"):
        return None
    numbers: NDArray[np.int64] = np.unique(data.keys, return_inverse=True)[1]
    return numbers


def classes(spec: ModelSpec, data: Dataset) -> list[int | str] | None:
    """Return the classes of the target, sorted, but an anomaly last; None of numbers.

    Of several targets, their names.
    """
    if not spec.has_classes:
        return None
    if spec.labels:
        return list(spec.labels)
    known = pd.unique(data.y).tolist()
    return sorted(known, key=lambda label: (is_anomaly(spec, label), label))


def is_anomaly(spec: ModelSpec, label: int | str) -> bool:
    """Return whether a class is the anomaly that a model of this task looks for."""
    return spec.anomaly is not None and str(label) == str(spec.anomaly)


def check_anomaly(spec: ModelSpec, labels: Collection[int | str]) -> None:
    """Check that the target has two values, one of them the anomaly; raise ModelError if not."""
    if len(labels) != 2 or not any(is_anomaly(spec, label) for label in labels):
        where = f"{spec.data.source}: column {spec.target!r}"
        expected = f"of two values, of which {spec.anomaly!r} means an anomaly"
        got = ", ".join(sorted(map(repr, labels))[:LISTED])
        cure = f"Write which one does, as anomaly = … in {spec.file}, or add known anomalies."
        raise ModelError(where, expected, got, cure)


def check_classes(spec: ModelSpec, data: Dataset) -> None:
    """Check that targets have two classes, each with two rows; raise ModelError if one has not."""
    for target, values in by_name(spec, data.y).items():
        counts = Counter(values.tolist())
        if spec.anomaly is not None:
            check_anomaly(spec, counts)
            return
        if len(counts) < 2:
            where = f"{spec.data.source}: column {target!r}"
            got = f"only {next(iter(counts), None)!r}"
            raise ModelError(where, "of two classes or more", got, "Add rows of another class.")
        if not spec.several:
            check_asked(spec, [str(label) for label in counts])
        label, count = min(counts.items(), key=lambda item: item[1])
        if count < 2:
            where = f"{spec.data.source}: class {label!r} of {target!r}"
            cure = "Add rows of it, or drop or merge it: it can't be both learned and judged."
            raise ModelError(where, "in two rows or more", "one row", cure)


def check_asked(spec: ModelSpec, known: list[str]) -> None:
    """Check that metrics of a class are of a known one; raise ModelError for one that is not."""
    for metric, label in map(parts, spec.gate.asked):
        if spec.gate.metric(metric).parameter == "class" and label not in known:
            where, expected = f"{spec.file}: gate.{metric}.class", f"a class of {spec.target!r}"
            raise ModelError(where, expected, repr(label), did_you_mean(label, known))


def check_parts(spec: ModelSpec, train: Part, holdout: Part) -> None:
    """Check that every metric exists in every fold; raise ModelError if one would not.

    It needs two rows per fold, or, of a classifier, each class in each fold. Rows whose weight is 0
    are none. Anomalies need not be among the training rows, as nothing is learnt from their being
    known.
    """
    rows, folds = (len(train.counted), len(holdout.counted)), max(1, spec.folds)
    if spec.task == "regression" and (rows[1] < 2 or rows[0] < 2 * spec.folds):
        expected = f"of {2 * folds} rows to train on and 2 to hold out, or more"
        raise too_small(spec, spec.data.source, expected, *rows)
    if spec.has_classes:
        counted = by_name(spec, train.counted), by_name(spec, holdout.counted)
        held_values = by_name(spec, holdout.y)
        for target, values in by_name(spec, train.y).items():
            trained, held = (Counter(part[target].tolist()) for part in counted)
            for label in sorted({*values.tolist(), *held_values[target].tolist()}):
                where = f"{spec.data.source}: class {label!r} of {target!r}"
                if is_anomaly(spec, label):
                    if not held[label]:
                        raise too_small(spec, where, "in 1 holdout row or more", 0)
                elif trained[label] < folds or not held[label]:
                    expected = f"in {folds} training rows (one per fold) and 1 holdout row, or more"
                    raise too_small(spec, where, expected, trained[label], held[label])
    if train.groups is not None and (count := len(set(train.groups.tolist()))) <= spec.folds:
        where = f"{spec.data.source}: column {spec.split.column!r}"
        expected = f"of {spec.folds + 1} different values in the training rows, or more"
        raise too_small(spec, where, expected, count)


def too_small(spec: ModelSpec, where: str, expected: str, *counts: int) -> ModelError:
    """Return the error for a part with too few rows, of training and of holdout."""
    cure = f"Add rows, drop or merge classes, lower evaluate.folds, or {CURES[spec.split.method]}."
    return ModelError(where, expected, " and ".join(map(str, counts)), cure)
