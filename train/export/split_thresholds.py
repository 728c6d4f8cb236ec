"""The input values at which the decision trees inside a fitted estimator split."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline

from train.export.boosters import boosted as boosters
from train.export.boosters import stand_in
from train.export.boosters.boosted import Boosted
from train.export.hist_gradient_boosting import columns_of

PER_COLUMN = 300  # thresholds looked at per column: enough to meet every kind of rounding
CUTS = 15  # into which an interval is cut at a time, while there are few: four halvings in one pass
MOST_ROWS = 10_000  # of a pass
PASSES = 80  # a float64 interval cannot be halved more often


class TreeSplit(NamedTuple):
    """A numeric input, the column that it becomes in front of the trees, and a threshold there."""

    name: str
    column: int
    threshold: float


def split_values(
    estimator: Any, X: pd.DataFrame, names: list[str]
) -> dict[str, NDArray[np.float64]]:
    """Return for each numeric input the next float64 on both sides of its splits, as (values,).

    The thresholds of the last step are traced back through the steps before it by cutting
    intervals, so that a scaler in front of a forest is taken into account. An input that no tree
    reads is absent.
    """
    steps = estimator.steps if isinstance(estimator, Pipeline) else [("", estimator)]
    before = estimator[:-1] if len(steps) > 1 else None
    by_column: dict[int, set[float]] = {}
    for column, threshold in thresholds(steps[-1][1]):
        by_column.setdefault(column, set()).add(threshold)
    splits = [
        TreeSplit(name, column, threshold)
        for name, column in readers(before, X, names)
        for threshold in spread(sorted(by_column.get(column, ())))
    ]
    # scikit-learn's trees alone round their inputs: a booster's bounds include the rounding.
    is_exact = hasattr(steps[-1][1], "_predictors") or boosted_in(steps[-1][1])
    precision = np.float64 if is_exact else np.float32
    return Bisection(before, X, splits, precision).run() if splits else {}


def thresholds(estimator: Any) -> Iterator[tuple[int, float]]:
    """Yield the column and threshold of every split in a tree, an ensemble, or its members."""
    if hasattr(estimator, "tree_"):
        inner = estimator.tree_.children_left >= 0
        columns, values = estimator.tree_.feature[inner], estimator.tree_.threshold[inner]
        yield from zip(columns.tolist(), values.tolist(), strict=True)
    elif hasattr(estimator, "_predictors"):
        for predictor in (tree for iteration in estimator._predictors for tree in iteration):  # noqa: SLF001 - no public way
            nodes = predictor.nodes
            nodes = nodes[(nodes["is_leaf"] == 0) & (nodes["is_categorical"] == 0)]
            columns = columns_of(estimator).places[nodes["feature_idx"]]
            yield from zip(columns.tolist(), nodes["num_threshold"].tolist(), strict=True)
    elif boosted := boosted_in(estimator):
        yield from boosters.thresholds(boosted)
    else:
        members = np.asarray(getattr(estimator, "estimators_", []), dtype=object).ravel()
        # Which columns each member sees: of a bag, or of an isolation forest.
        seen = getattr(estimator, "estimators_features_", [None] * len(members))
        for member, columns in zip(members, seen, strict=True):
            if isinstance(member, BaseEstimator) and not isinstance(member, Pipeline):
                for column, threshold in thresholds(member):
                    yield column if columns is None else int(columns[column]), threshold


def boosted_in(estimator: Any) -> Boosted | None:
    """Return the trees of a booster; None where they cannot be read."""
    try:
        return stand_in.read(estimator)
    except Exception:  # noqa: BLE001 - the conversion says why
        return None


def spread(values: list[float]) -> list[float]:
    """Return at most PER_COLUMN of the sorted values, evenly chosen."""
    if len(values) <= PER_COLUMN:
        return values
    return [values[index] for index in np.linspace(0, len(values) - 1, PER_COLUMN, dtype=int)]


def readers(before: Any, X: pd.DataFrame, names: list[str]) -> list[tuple[str, int]]:
    """Return each input with each column in front of the trees that changes when the input does.

    X (rows, inputs) are the training rows.
    """
    result = []
    for name in names:
        extremes = X.iloc[[0, 0]].copy()
        extremes[name] = [X[name].min(), X[name].max()]
        low, high = transform(before, extremes)
        result += [(name, int(column)) for column in np.flatnonzero(low != high)]
    return result


class Bisection:
    """Cuts the range of each input of X (rows, inputs) down to the neighbours of its split."""

    def __init__(
        self,
        before: Any,
        X: pd.DataFrame,
        splits: list[TreeSplit],
        precision: type[np.floating[Any]],
    ) -> None:
        self.before = before
        self.splits = splits
        self.cuts = min(CUTS, max(1, MOST_ROWS // len(splits)))
        self.precision = precision
        self.names = np.array([split.name for split in splits], dtype=object)
        self.rows = X.iloc[np.zeros(len(splits), dtype=int)].reset_index(drop=True)
        ends = {name: (X[name].min(), X[name].max()) for name in dict.fromkeys(self.names)}
        least, greatest = np.array([ends[name] for name in self.names]).T
        self.low, self.high = 2 * least - greatest, 2 * greatest - least

    def run(self) -> dict[str, NDArray[np.float64]]:
        """Return for each input the neighbours (values,) of the splits that lie in its range."""
        low, high = self.low, self.high
        side = self.passes(high[np.newaxis])[0]
        meets = side != self.passes(low[np.newaxis])[0]
        shares = np.arange(1, self.cuts + 1)[:, np.newaxis] / (self.cuts + 1)
        for _ in range(PASSES):
            if (np.nextafter(low, high) == high)[meets].all():
                break
            inside = low + (high - low) * shares
            edges = np.vstack([low, inside, high])
            beyond = np.vstack([self.passes(inside) == side, np.ones(len(low), dtype=bool)])
            first = beyond.argmax(axis=0)  # the first edge on the side of `high`, less one
            low, high = (edges[first + step, np.arange(len(low))] for step in (0, 1))
        return {
            name: np.unique([low[of_name], high[of_name]])
            for name in dict.fromkeys(self.names.tolist())
            if (of_name := meets & (self.names == name)).any()
        }

    def passes(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return for each split whether its input, set to its values, exceeds the threshold.

        Takes and returns an array of shape (values, splits).
        """
        frame = self.rows.loc[np.tile(self.rows.index, len(values))].reset_index(drop=True)
        names = np.tile(self.names, len(values))
        for name in dict.fromkeys(self.names.tolist()):
            frame.loc[names == name, name] = values[:, self.names == name].ravel()
        columns = np.tile([split.column for split in self.splits], len(values))
        seen = transform(self.before, frame)[np.arange(len(frame)), columns]
        above: NDArray[np.bool_] = seen.astype(self.precision).reshape(values.shape) > [
            split.threshold for split in self.splits
        ]
        return above


def transform(before: Any, X: pd.DataFrame) -> NDArray[np.float64]:
    """Return what the trees get, as (rows, columns); texts that reach them unchanged become 0."""
    if before is None:
        return np.column_stack(
            [X[name] if X[name].dtype == np.float64 else np.zeros(len(X)) for name in X]
        )
    result = before.transform(X)
    return np.asarray(result.toarray() if hasattr(result, "toarray") else result, dtype=np.float64)
