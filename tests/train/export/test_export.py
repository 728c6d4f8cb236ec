"""Whatever the estimator, what is served answers as it does, or is the estimator itself."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn import calibration, ensemble, impute, linear_model, naive_bayes, neighbors, svm, tree
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_selector,
)
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    QuantileTransformer,
    StandardScaler,
    TargetEncoder,
)

from contract.bundle import Runtime
from contract.errors import ModelError
from contract.onnx_session import open_session
from tests.train.conftest import Parts
from train.data import dataset
from train.export import hard_rows, parity
from train.export.export import Export, export
from train.fit import evaluate

pytestmark = pytest.mark.slow  # trains models

NUMBERS = make_column_selector(dtype_include=float)
TEXTS = make_column_selector(dtype_include=object)


def mixed(encoder: Any, numbers: Any = "passthrough") -> ColumnTransformer:
    """Return a transformer of texts and numbers."""
    return ColumnTransformer([("texts", encoder, TEXTS), ("numbers", numbers, NUMBERS)])


ENCODE = OneHotEncoder(handle_unknown="ignore")
ORDER = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
FILL = make_pipeline(impute.SimpleImputer(), StandardScaler())
FILL_TEXT = impute.SimpleImputer(missing_values="", strategy="most_frequent")
FEW = {"n_estimators": 8, "random_state": 0}

# What each model's data is given, and what it must be served by.
CASES: list[tuple[str, Any, Runtime]] = [
    ("iris", linear_model.LogisticRegression(max_iter=1000), "onnx"),
    ("iris", linear_model.RidgeClassifier(), "onnx"),
    ("iris", linear_model.SGDClassifier(random_state=0), "onnx"),
    ("iris", ensemble.RandomForestClassifier(**FEW), "onnx"),
    ("iris", ensemble.ExtraTreesClassifier(**FEW), "onnx"),
    ("iris", ensemble.GradientBoostingClassifier(**FEW), "onnx"),
    ("iris", ensemble.HistGradientBoostingClassifier(max_iter=8), "onnx"),
    ("iris", ensemble.AdaBoostClassifier(**FEW), "onnx"),
    ("iris", ensemble.BaggingClassifier(**FEW), "onnx"),
    ("iris", tree.DecisionTreeClassifier(random_state=0), "onnx"),
    ("iris", svm.SVC(), "onnx"),
    ("iris", svm.SVC(probability=True, random_state=0), "onnx"),
    ("iris", svm.LinearSVC(), "onnx"),
    ("iris", MLPClassifier((8,), random_state=0, max_iter=50), "onnx"),
    ("iris", naive_bayes.GaussianNB(), "onnx"),
    ("iris", calibration.CalibratedClassifierCV(svm.LinearSVC()), "onnx"),
    (
        "iris",
        ensemble.VotingClassifier(
            [("a", ensemble.RandomForestClassifier(**FEW)), ("b", naive_bayes.GaussianNB())],
            voting="soft",
        ),
        "onnx",
    ),
    ("iris", make_pipeline(MinMaxScaler(), svm.SVC()), "onnx"),
    (
        "iris",
        make_pipeline(PolynomialFeatures(), StandardScaler(), linear_model.LogisticRegression()),
        "onnx",
    ),
    ("iris", make_pipeline(FunctionTransformer(np.log1p), naive_bayes.GaussianNB()), "joblib"),
    ("penguins", make_pipeline(mixed(ENCODE, FILL), linear_model.LogisticRegression()), "onnx"),
    (
        "penguins",
        make_pipeline(mixed(ENCODE, FILL), ensemble.RandomForestClassifier(**FEW)),
        "onnx",
    ),
    ("penguins", make_pipeline(mixed(ENCODE), ensemble.RandomForestClassifier(**FEW)), "onnx"),
    (
        "penguins",
        make_pipeline(mixed(ORDER), ensemble.HistGradientBoostingClassifier(max_iter=8)),
        "onnx",
    ),
    (
        "penguins",
        make_pipeline(
            mixed(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)),
            ensemble.HistGradientBoostingClassifier(max_iter=8, categorical_features=[0, 1]),
        ),
        "onnx",
    ),
    ("iris", ensemble.HistGradientBoostingClassifier(max_iter=8, categorical_features=[2]), "onnx"),
    (
        "diabetes",
        ensemble.HistGradientBoostingRegressor(max_iter=8, categorical_features=[7, 1]),
        "onnx",
    ),
    (
        "penguins",
        make_pipeline(
            mixed(OneHotEncoder(drop="first"), FILL), ensemble.ExtraTreesClassifier(**FEW)
        ),
        "onnx",
    ),
    (
        "penguins",
        make_pipeline(
            mixed(OneHotEncoder(min_frequency=60, handle_unknown="infrequent_if_exist"), FILL),
            tree.DecisionTreeClassifier(random_state=0),
        ),
        "onnx",
    ),
    (
        "penguins",
        make_pipeline(
            mixed(TargetEncoder(random_state=0), FILL), ensemble.RandomForestClassifier(**FEW)
        ),
        "onnx",
    ),
    (
        "penguins",
        make_pipeline(
            mixed(make_pipeline(FILL_TEXT, ENCODE), FILL),
            ensemble.GradientBoostingClassifier(**FEW),
        ),
        "onnx",
    ),
    (
        "penguins",
        make_pipeline(mixed(ENCODE, impute.KNNImputer()), tree.DecisionTreeClassifier()),
        "joblib",
    ),
    ("diabetes", linear_model.Ridge(), "onnx"),
    ("diabetes", make_pipeline(StandardScaler(), linear_model.ElasticNet()), "onnx"),
    ("diabetes", make_pipeline(StandardScaler(), linear_model.PoissonRegressor()), "onnx"),
    ("diabetes", ensemble.RandomForestRegressor(**FEW), "onnx"),
    ("diabetes", ensemble.GradientBoostingRegressor(**FEW), "onnx"),
    ("diabetes", ensemble.HistGradientBoostingRegressor(max_iter=8), "onnx"),
    ("diabetes", svm.SVR(), "onnx"),
    (
        "diabetes",
        TransformedTargetRegressor(
            make_pipeline(StandardScaler(), linear_model.Ridge()),
            func=np.log1p,
            inverse_func=np.expm1,
        ),
        "onnx",
    ),
    (
        "diabetes",
        TransformedTargetRegressor(
            ensemble.RandomForestRegressor(**FEW), transformer=StandardScaler()
        ),
        "onnx",
    ),
    (
        "diabetes",
        TransformedTargetRegressor(
            linear_model.Ridge(), transformer=QuantileTransformer(n_quantiles=50)
        ),
        "joblib",
    ),
    ("diabetes", neighbors.KNeighborsRegressor(), "onnx"),
]


def describe(case: tuple[str, Any, Runtime]) -> str:
    """Return the name of a case: its table and its steps."""
    name, estimator, _ = case
    steps = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
    return "-".join([name, *(type(step).__name__ for step in steps)])


@pytest.fixture
def fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare on a tenth of the rows: many estimators, and the models' own tests take all."""
    monkeypatch.setattr(hard_rows, "ROWS", 2_000)


def fit_and_export(prepared: Parts, estimator: Any) -> Export:
    """Fit an estimator to the training rows, and export it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # convergence, deprecations: not what is tested here
        estimator.fit(prepared.train.X, prepared.train.y)
    inputs = dataset.schema(prepared.spec, prepared.train.X)
    return export(prepared.spec, estimator, inputs, prepared.train)


@pytest.mark.usefixtures("fewer_rows")
@pytest.mark.daily(12)
@pytest.mark.parametrize("case", CASES, ids=map(describe, CASES))
def test_export_answers_as_the_estimator(
    case: tuple[str, Any, Runtime], parts: Callable[[str], Parts]
) -> None:
    """An export answers as the estimator: a graph proven equal, or the pickle with a reason."""
    name, estimator, runtime = case
    prepared = parts(name)
    exported = fit_and_export(prepared, estimator)
    assert exported.runtime == runtime, exported.reason
    expected = evaluate.answer(estimator, prepared.holdout.X)
    if runtime == "onnx":
        assert exported.parity is not None
        assert (exported.parity.label_mismatches, exported.parity.rows) == (
            0,
            2_000 + len(prepared.train.y),
        )
        assert "equals the estimator on" in exported.reason
        got = parity.answer(prepared.spec, exported.content, prepared.holdout.X)
    else:
        assert exported.parity is None
        assert "ONNX was not used. float64: " in exported.reason
        got = evaluate.answer(joblib.load(io.BytesIO(exported.content)), prepared.holdout.X)
    assert parity.compare(expected, got, scale=1.0).is_equal


@pytest.mark.usefixtures("fewer_rows")
def test_classifier_without_probabilities_gives_labels_alone(
    parts: Callable[[str], Parts],
) -> None:
    """Scores of a decision function are no probabilities, so the graph leaves them out."""
    exported = fit_and_export(parts("iris"), svm.LinearSVC())
    session = open_session(exported.content)
    assert [output.name for output in session.get_outputs()] == ["label"]


class Doubler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A transformer of somebody's own, which no converter knows."""

    def fit(self, X: Any, _y: Any = None) -> Doubler:
        """Learn how many features there are."""
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X: Any) -> Any:
        """Return the features (rows, features) twice as large."""
        return X * 2


def test_custom_transformer_is_served_by_joblib(parts: Callable[[str], Parts]) -> None:
    """What cannot be converted is pickled, and the reason names it."""
    pipeline = make_pipeline(Doubler(), tree.DecisionTreeClassifier(random_state=0))
    exported = fit_and_export(parts("iris"), pipeline)
    assert exported.runtime == "joblib"
    assert "Doubler" in exported.reason


@pytest.mark.nightly
def test_graph_that_differs_is_not_used(
    parts: Callable[[str], Parts], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A graph that differs, as with a float32 scaler before a forest, is not used."""
    monkeypatch.setattr("train.export.export.CANDIDATES", {"float32": False})
    estimator = make_pipeline(mixed(ENCODE, FILL), ensemble.RandomForestClassifier(**FEW))
    exported = fit_and_export(parts("penguins"), estimator)
    assert exported.runtime == "joblib"
    assert " labels differ, numbers by up to " in exported.reason


def test_estimator_that_refuses_odd_values_is_asked_within_its_range(
    parts: Callable[[str], Parts],
) -> None:
    """An estimator that fails on odd values is compared within its training range."""
    pipeline = make_pipeline(FunctionTransformer(np.log), linear_model.LogisticRegression())
    assert fit_and_export(parts("iris"), pipeline).runtime == "joblib"


@pytest.mark.nightly
def test_unknown_categories_must_be_accepted_where_they_are_served(
    parts: Callable[[str], Parts],
) -> None:
    """`unknown_category = "ignore"` is refused for an estimator that fails on unknown ones."""
    penguins = parts("penguins")
    penguins.spec.serving.unknown_category = "ignore"
    pipeline = make_pipeline(mixed(OneHotEncoder()), tree.DecisionTreeClassifier())
    with pytest.raises(ModelError, match='unknown_category = "ignore"'):
        fit_and_export(penguins, pipeline)
