"""The values around the splits of trees, on which an exported graph is compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import BaggingClassifier, IsolationForest
from sklearn.tree import DecisionTreeClassifier

from train.export.split_thresholds import split_values

RANGES = {"small": 1.0, "middle": 100.0, "large": 10_000.0}  # no split of one lies in another


@pytest.mark.parametrize(
    "estimator",
    [
        BaggingClassifier(
            DecisionTreeClassifier(max_depth=3), n_estimators=9, max_features=1, random_state=0
        ),
        IsolationForest(n_estimators=9, max_samples=32, max_features=1, random_state=0),
    ],
    ids=["bagging", "isolation-forest"],
)
def test_trees_of_some_columns_are_probed_at_their_own_splits(estimator: Any) -> None:
    """A member that sees only some of the columns counts them in its own way."""
    random = np.random.default_rng(0)
    X = pd.DataFrame({name: random.uniform(high / 2, high, 300) for name, high in RANGES.items()})
    y = (X["large"] > X["large"].median()).to_numpy()
    estimator.fit(X, y)
    splits_of = split_values(estimator, X, list(RANGES))
    for member, (column,) in zip(
        estimator.estimators_, estimator.estimators_features_, strict=True
    ):
        splits = member.tree_.threshold[member.tree_.children_left >= 0]
        around = splits_of[list(RANGES)[column]]
        distance = np.abs(around[None, :] - splits[:, None]).min(axis=1)
        assert (distance <= np.abs(splits) * 1e-6).all()
