"""Forests in ONNX split, vote and round exactly as scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier

from tests.support.models.folder import Folder
from train.export import parity
from train.export.convert import convert
from train.export.forests import before_rounding
from train.fit import evaluate


@pytest.mark.parametrize("seed", range(3))
def test_rounding_is_in_the_threshold(seed: int) -> None:
    """A float64 is below the new threshold if and only if its float32 is below the old one."""
    rng = np.random.default_rng(seed)
    old = np.concatenate(
        [rng.normal(size=200), rng.integers(-9, 9, 50) / 4, [0.0, 1e-45, -1e-45, 3e38, -3e38]]
    )
    new = before_rounding(old)
    for side in (-np.inf, 0, np.inf):
        values = np.nextafter(new, side) if side else new
        assert np.array_equal(values.astype(np.float32) <= old, values <= new)


def rows(seed: int, classes: int) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """Return noise on a grid, on which forests of few trees are often undecided."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({name: rng.integers(0, 6, 4000) / 2 for name in ("a", "b")})
    return X, rng.integers(0, classes, len(X))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "forest",
    [
        RandomForestClassifier(2, random_state=0, max_depth=2),
        RandomForestClassifier(10, random_state=0),
        RandomForestClassifier(20, random_state=0, max_samples=20),
        ExtraTreesClassifier(6, random_state=0, min_samples_leaf=3),
        DecisionTreeClassifier(max_depth=1),
    ],
)
def test_tied_votes_go_to_the_same_class(folder: Folder, forest: Any, classes: int) -> None:
    """Where classes have equal shares, the graph gives the label that the forest gives."""
    spec = folder.write("a,b,y\n1,1,0\n2,2,1\n")
    X, y = rows(0, classes)
    forest.fit(X[:60], y[:60])
    expected = evaluate.answer(forest, X)
    compared = parity.compare(
        expected, parity.answer(spec, convert(spec, forest, double=True), X), 1
    )
    assert (compared.label_mismatches, compared.max_difference <= 1e-7) == (0, True)


def test_ties_do_occur_in_these_tests() -> None:
    """The rows of these tests do have tied votes."""
    X, y = rows(0, 2)
    forest = RandomForestClassifier(20, random_state=0, max_samples=20).fit(X[:60], y[:60])
    assert (forest.predict_proba(X)[:, 0] == 0.5).sum() > 50


@pytest.mark.parametrize("labels", [["no", "yes"], [0, 1], [-1, 1], [3, 7, 9], ["", "a", "b"]])
def test_labels_keep_their_type(folder: Folder, labels: list[Any]) -> None:
    """Whole numbers stay integers and texts stay texts, whatever they are."""
    spec = folder.write("a,b,y\n1,1,0\n2,2,1\n")
    X, y = rows(1, len(labels))
    kind = object if isinstance(labels[0], str) else np.int64
    forest = RandomForestClassifier(5, random_state=0).fit(X, np.array(labels, dtype=kind)[y])
    got = parity.answer(spec, convert(spec, forest, double=True), X)
    assert got.predictions.tolist() == forest.predict(X).tolist()
    assert got.probabilities is not None
    assert got.probabilities.shape == (len(X), len(labels))


def test_missing_values_go_the_same_way(folder: Folder) -> None:
    """A forest learns on which side a missing number belongs; so does its graph."""
    spec = folder.write("a,b,y\n1,1,0\n2,2,1\n")
    X, y = rows(2, 2)
    X.loc[y == 1, "a"] = np.where(np.arange((y == 1).sum()) % 3, X.loc[y == 1, "a"], np.nan)
    forest = RandomForestClassifier(7, random_state=0).fit(X, y)
    got = parity.answer(spec, convert(spec, forest, double=True), X)
    assert parity.compare(evaluate.answer(forest, X), got, 1).is_equal


def test_average_counts_leaves_of_zero(folder: Folder) -> None:
    """A tree with a leaf of zero counts in the average."""
    spec = folder.write("a,b,y\n1,1,0\n2,2,1\n")
    X, y = rows(3, 2)
    forest = RandomForestRegressor(3, random_state=0).fit(X, y.astype(float))
    got = parity.answer(spec, convert(spec, forest, double=True), X)
    assert got.predictions == pytest.approx(forest.predict(X), rel=1e-6, abs=1e-9)
