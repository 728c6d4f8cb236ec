"""The runtime of models that ONNX cannot hold asks scikit-learn no more than it must."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from contract import bundle as bundles
from serve.inference.predictor import Predictor
from serve.inference.sklearn_runtime import needs_names, predicts_the_likeliest
from tests.support.servers.bundles import flowers, store


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (LogisticRegression(), True),
        (make_pipeline(StandardScaler(), LogisticRegression()), True),
        (SVC(), False),
    ],
)
def test_one_call_is_enough_where_both_answers_agree(estimator: Any, *, expected: bool) -> None:
    """Only classifiers that predict their likeliest class are asked once."""
    assert expected == predicts_the_likeliest(estimator)


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (LogisticRegression(), False),
        (make_pipeline(StandardScaler(), LogisticRegression()), False),
        (make_pipeline(FunctionTransformer(), LogisticRegression()), True),
        (make_pipeline(ColumnTransformer([]), LogisticRegression()), True),
    ],
)
def test_a_table_is_made_where_names_may_matter(estimator: Any, *, expected: bool) -> None:
    """Only estimators that are sure to need no column names get a bare array."""
    assert expected == needs_names(estimator)


class Spy:
    """Counts what is asked of an estimator."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self.calls: list[tuple[str, type]] = []

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.estimator, name)
        if not name.startswith("predict"):
            return value

        def method(X: Any) -> Any:
            self.calls.append((name, type(X)))
            return value(X)

        return method


def test_forest_is_asked_once_and_without_a_table(tmp_path: Path) -> None:
    """A forest of numbers gets an array and one call for label and probabilities."""
    predictor: Any = Predictor(bundles.read(flowers(tmp_path / "f", runtime="joblib")), 1)
    spy = predictor.runtime.estimator = Spy(predictor.runtime.estimator)
    predictor.prove()
    assert [name for name, _ in spy.calls] == ["predict_proba"]
    assert spy.calls[0][1] is not pd.DataFrame


@pytest.mark.slow
def test_others_are_asked_twice(tmp_path: Path) -> None:
    """An estimator whose label need not be its likeliest class is asked for both."""
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = make_pipeline(FunctionTransformer(), LogisticRegression(max_iter=5000)).fit(X, y)
    predictor: Any = Predictor(bundles.read(store(tmp_path / "m", model, X, runtime="joblib")), 1)
    predictor.runtime.one_call = False
    spy = predictor.runtime.estimator = Spy(predictor.runtime.estimator)
    predictor.prove()
    assert [name for name, _ in spy.calls] == ["predict_proba", "predict"]
    assert spy.calls[0][1] is pd.DataFrame
