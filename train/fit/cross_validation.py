"""Score an estimator on folds of the training rows, made by the method that made the holdout."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)
from sklearn.model_selection._search import BaseSearchCV

from contract.bundle import CrossValidation
from contract.errors import ModelError
from contract.spec.model_toml import ModelSpec
from train.data.split import Part
from train.data.targets import strata, variety
from train.fit import backend, evaluate, own_metrics, wrappers

Rows = NDArray[np.int64]
Fold = tuple[Rows, Rows]  # the rows to learn from, and those to judge by
SEARCH_FOLDS = 5  # of a search that does not say how many, as scikit-learn has it


def folds(spec: ModelSpec, train: Part, count: int) -> list[Fold]:
    """Return `count` folds of the training rows.

    Whole groups or later times, where the holdout is made of such; else random rows, of each class
    the same share (Kohavi 1995). Raises ModelError where a fold would have a single class to learn.
    """
    rows, is_classes = np.arange(len(train.y)), spec.has_classes
    classes = strata(train.y, count) if is_classes else train.y
    if spec.split.method == "time":
        result = list(forward(train, count))
    elif spec.split.method == "group":
        grouped = StratifiedGroupKFold if is_classes else GroupKFold
        split = grouped(count, shuffle=True, random_state=spec.seed).split
        result = list(split(rows, classes, train.groups))
    else:
        kind = StratifiedKFold if is_classes else KFold
        result = list(kind(count, shuffle=True, random_state=spec.seed).split(rows, classes))
    if any(count < 2 for learn, _ in result for count in variety(spec, train.y[learn])):
        where = f"{spec.data.source}: each of {count} folds by {spec.split.column}"
        cure = "Lower evaluate.folds, or add rows."
        raise ModelError(where, "of two classes or more to learn", "a single one", cure)
    return result


def forward(train: Part, count: int) -> Iterable[Fold]:
    """Yield folds that learn from the past of what they judge, and each from more than the last.

    Forward chaining (Tashman 2000); rows of one time are never parted.
    """
    times = train.groups if train.groups is not None else np.arange(len(train.y))
    parts = [np.unique(part) for part in np.array_split(np.unique(times), count + 1)]
    for part in parts[1:]:
        yield np.flatnonzero(times < part[0]), np.flatnonzero(np.isin(times, part))


def cross_validate(spec: ModelSpec, estimator: Any, train: Part) -> dict[str, CrossValidation]:
    """Score a fresh copy of the estimator on each fold of the training rows.

    A metric that does not exist in some fold is left out; all are where there are no folds.
    """
    if spec.folds < 2 or not len(train.y):
        return {}
    scored, own = [], own_metrics.live(spec)
    for learn, judge in folds(spec, train, spec.folds):
        fitted, judged = fit(spec, clone(estimator), train.take(learn)), train.take(judge)
        answers, classes = evaluate.answer(fitted, judged.X), evaluate.classes(spec, fitted)
        asked = spec.gate.asked
        scored.append(evaluate.score(judged, answers, classes, asked, own, targets=spec.several))
    by_metric = {name: [fold[name] for fold in scored] for name in scored[0]}
    return {name: summarise(values) for name, values in evaluate.existing(by_metric).items()}


def fit(spec: ModelSpec, estimator: Any, train: Part) -> Any:
    """Fit an estimator to the rows.

    A search that asks for a number of folds gets them from `folds`, where rows are not alone: its
    own would choose by rows of the groups, or of the future, of what it learnt.
    """
    search = wrappers.inside(estimator)
    if train.groups is not None and isinstance(search, BaseSearchCV):
        count = SEARCH_FOLDS if search.cv is None else search.cv
        if isinstance(count, int):
            search.set_params(cv=folds(spec, train, count))
    return backend.fit(estimator, train.X, train.y, train.weights)


def summarise(values: list[float]) -> CrossValidation:
    """Return the mean and the standard deviation over the folds."""
    return CrossValidation(mean=float(np.mean(values)), std=float(np.std(values)))
