"""The comparison finds what differs, and the rows it compares are the hard ones."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from contract.bundle import PARITY_TOLERANCE, Input, Parity, Serving
from tests.train.conftest import Parts
from train.export import encoders, hard_rows, split_thresholds
from train.export.parity import compare
from train.fit.evaluate import Answers

NAMES = ["sepal_length_cm", "sepal_width_cm", "petal_length_cm", "petal_width_cm"]
LABELS = np.array(["a", "b", "b"], dtype=object)


def test_parity_counts_other_labels() -> None:
    """Each row with another label is a mismatch."""
    got = Answers(np.array(["a", "a", "a"], dtype=object), None)
    parity = compare(Answers(LABELS, None), got, scale=1)
    assert parity == Parity(rows=3, label_mismatches=2, max_difference=0.0)
    assert not parity.is_equal


def test_parity_measures_probabilities_absolutely() -> None:
    """The largest difference of any probability counts, rounded up to one digit."""
    some = np.array([[0.5, 0.5], [0.1, 0.9], [0.2, 0.8]])
    other = some.copy()
    other[1, 0] += 0.000012
    parity = compare(Answers(LABELS, some), Answers(LABELS, other), scale=1)
    assert parity.max_difference == 2e-05
    assert not parity.is_equal


@pytest.mark.parametrize(
    ("expected", "got", "difference"),
    [(1000.0, 1000.0015, 2e-6), (0.0, 1e-5, 1e-6), (np.inf, np.inf, 0.0), (1.0, np.nan, np.inf)],
)
def test_parity_measures_numbers_relatively(expected: float, got: float, difference: float) -> None:
    """A number differs relative to its size, or to the spread of the target if that is larger."""
    parity = compare(
        Answers(np.array([expected]), None), Answers(np.array([got]), None), scale=10.0
    )
    assert parity.max_difference == difference
    assert parity.is_equal == (difference <= PARITY_TOLERANCE)


def test_hard_rows_are_as_hard_as_they_should_be() -> None:
    """Split points with neighbours, gaps, unknown categories and far values all occur."""
    X = pd.DataFrame({"n": [1.0, 2.0, np.nan] * 10, "t": np.array(["u", "v", ""] * 10, object)})
    inputs = [
        Input(name="n", kind="numeric", missing=True, minimum=1.0, maximum=2.0),
        Input(name="t", kind="categorical", missing=True, categories=["u", "v"]),
    ]
    splits = {"n": np.array([1.5])}
    made = hard_rows.make_hard_rows(X, inputs, Serving(unknown_category="ignore"), splits)
    numbers = set(made["n"].dropna())
    assert len(made) == 20_000
    assert {1.5, np.nextafter(1.5, 2), np.nextafter(1.5, 1), 0.0, -1e6} <= numbers
    assert float(np.nextafter(np.float32(1.5), np.float32(2))) in numbers
    assert made["n"].isna().sum() > 1000
    unknown = set(made["t"]) - {"u", "v", ""}
    assert {"U", "V"} < unknown
    assert made["t"].isin(unknown).sum() > 5_000
    again = hard_rows.make_hard_rows(X, inputs, Serving(unknown_category="ignore"), splits)
    pd.testing.assert_frame_equal(made, again)


def test_hard_rows_hold_nothing_that_a_server_refuses() -> None:
    """Without gaps in training there are none; unknown categories only where they are served."""
    X = pd.DataFrame({"n": [1.0, 2.0] * 10, "t": np.array(["u", "v"] * 10, object)})
    inputs = [
        Input(name="n", kind="numeric", minimum=1.0, maximum=2.0),
        Input(name="t", kind="categorical", categories=["u", "v"]),
    ]
    made = hard_rows.make_hard_rows(X, inputs, Serving(), {}, within_range=True)
    assert not made["n"].isna().any()
    assert (made["n"].min(), made["n"].max()) == (1.0, 2.0)
    assert set(made["t"]) == {"u", "v"}


def test_split_values_are_the_neighbours_of_every_threshold(
    parts: Callable[[str], Parts],
) -> None:
    """The two values of a pair are adjacent float64, and the tree sends them different ways."""
    train = parts("iris").train
    fitted = DecisionTreeClassifier(random_state=0).fit(train.X, train.y)
    inner = fitted.tree_.children_left >= 0
    thresholds = sorted(set(fitted.tree_.threshold[inner][fitted.tree_.feature[inner] == 3]))
    low, high = (
        split_thresholds.split_values(fitted, train.X, NAMES)["petal_width_cm"].reshape(-1, 2).T
    )
    assert np.array_equal(np.nextafter(low, np.inf), high)
    assert (low.astype(np.float32) <= thresholds).all()
    assert (high.astype(np.float32) > thresholds).all()


def test_split_values_are_found_behind_a_scaler(parts: Callable[[str], Parts]) -> None:
    """A threshold on scaled values is traced back to the value before scaling."""
    train = parts("iris").train
    forest = RandomForestClassifier(5, random_state=0)
    fitted = make_pipeline(StandardScaler(), forest).fit(train.X, train.y)
    values = split_thresholds.split_values(fitted, train.X, NAMES)["petal_width_cm"]
    low, high = values.reshape(-1, 2).T
    rows = train.X.iloc[np.zeros(len(low), dtype=int)]
    ways = [fitted[0].transform(rows.assign(petal_width_cm=side))[:, 3] for side in (low, high)]
    thresholds = np.unique([t for c, t in split_thresholds.thresholds(fitted[-1]) if c == 3])
    for below, above in zip(*(way.astype(np.float32) for way in ways), strict=True):
        assert ((below <= thresholds) & (thresholds < above)).any()


def test_encoder_becomes_a_table() -> None:
    """Ordinal codes are looked up, and an unknown category gets the code meant for it."""
    X = np.array([["u", "x"], ["v", "y"], ["w", "x"]], dtype=object)
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(X)
    lookup = encoders.tabulate(encoder)
    assert lookup.categories.tolist() == ["u", "v", "w", "x", "y"]
    assert lookup.columns.tolist() == [0, 0, 0, 1, 1]
    assert lookup.table.tolist() == [[0, 0], [1, 0], [2, 0], [0, 0], [0, 1]]
    assert lookup.default.tolist() == [[-1, -1]]


@pytest.mark.parametrize("drop", [None, "first", "if_binary"])
def test_one_hot_encoder_needs_no_table(drop: str | None) -> None:
    """One cell for each category is what comparing gives; dropped categories are not compared."""
    X = np.array([["u", "x"], ["v", "y"], ["w", "x"]], dtype=object)
    lookup = encoders.tabulate(OneHotEncoder(drop=drop).fit(X))
    assert lookup.is_one_hot
    assert len(lookup.categories) == {None: 5, "first": 3, "if_binary": 4}[drop]
