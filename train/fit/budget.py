"""How many rows the study may learn from: the folds, the learning curve and fits of other seeds.

What counts is rows and not seconds, so that the same inputs give the same bundle on any machine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contract.spec.model_toml import ModelSpec
from train.data.split import Part
from train.data.targets import strata
from train.fit.learning_curve import PARTS, SHARES

LEAST = 100_000  # rows that the fits of a study may learn from together, whatever the table is
SMALLEST = 20  # rows of a class that a sample has, or all: there may be so many folds
CURVE = sum(SHARES) * (PARTS - 1) / PARTS  # fits of all rows that the learning curve costs


class Budget(NamedTuple):
    """What the study learns from: the sample of its folds and curve, and fits of other seeds."""

    sample: Part  # no rows where there is to be no study
    seeds: int


def budget(spec: ModelSpec, train: Part) -> Budget:
    """Return what `evaluate.study` allows; half of it is for the folds and the learning curve.

    A fit of another seed learns from all rows, as the fit does that it is compared with.
    """
    rows = len(train.y)
    most = max(LEAST, rows) if spec.study is None else spec.study
    per_row = max(0, spec.folds - 1) + CURVE
    size = min(rows, int(most / 2 / per_row))
    seeds = min(spec.seeds, int((most - size * per_row) // rows))
    return Budget(train if size == rows else train.take(sample(spec, train, size)), seeds)


def sample(spec: ModelSpec, train: Part, size: int) -> NDArray[np.int64]:
    """Return the positions (rows,) of `size` random rows, and of a few rows of each rare class."""
    order = np.random.default_rng(spec.seed).permutation(len(train.y))
    chosen = order[:size]
    if size and spec.has_classes:
        codes = np.unique(strata(train.y, 0).astype(str), return_inverse=True)[1][order]
        by_class = np.argsort(codes, kind="stable")
        first = np.searchsorted(codes[by_class], codes[by_class])
        few = by_class[np.arange(len(order)) - first < SMALLEST]
        chosen = np.union1d(chosen, order[few])
    return np.sort(chosen)
