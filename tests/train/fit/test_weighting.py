"""The weights of rows reach every fit and every metric, as scikit-learn's sample_weight would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, median_absolute_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from contract import bundle
from contract.bundle import EVALUATION
from contract.errors import ModelError
from contract.evaluation import evaluation
from contract.evaluation.evaluation import beside
from contract.evaluation.record import decode
from contract.spec.model_toml import ModelSpec
from tests.support.models.folder import RIDGE, Folder, default_toml
from tests.support.models.train_here import train_here
from train.data import dataset
from train.data.split import Part, split
from train.fit import cross_validation, estimator, weighting
from train.fit.capture import listening

LOGISTIC = "LogisticRegression()"
SOURCE = """\
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (AdaBoostClassifier, HistGradientBoostingClassifier,
                              RandomForestClassifier, StackingClassifier, VotingClassifier)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def build():
    return {built}
"""
PIPELINE = f"make_pipeline(StandardScaler(), {LOGISTIC})"


def table(rows: int = 200) -> str:
    """Return a CSV of two numbers, a weight and a class, which both numbers tell about."""
    random = np.random.default_rng(0)
    kinds = random.integers(0, 2, rows)
    numbers = random.normal(kinds[:, None], 1, (rows, 2)) * [1, 5]
    lines = [
        f"{a:.4f},{b:.4f},{weight:.3f},{'no' if kind else 'yes'}"
        for (a, b), weight, kind in zip(numbers, random.exponential(5, rows), kinds, strict=True)
    ]
    return "a,b,weight,y\n" + "\n".join(lines) + "\n"


def write(folder: Folder, built: str = LOGISTIC, more: str = "", csv: str = "") -> ModelSpec:
    """Write a weighted model of `table` whose build() returns an expression."""
    toml = 'sample_weight = "weight"\n' + default_toml("a,b,y\n") + more
    return folder.write(csv or table(), toml, SOURCE.format(built=built))


def misleading() -> str:
    """Return the rows of `table` with the weight 1, and each twice with the other class and 0."""
    head, *lines = table().splitlines()
    rows = [line.split(",") for line in lines]
    right = [f"{a},{b},1,{y}" for a, b, _, y in rows]
    wrong = [f"{a},{b},0,{'no' if y == 'yes' else 'yes'}" for a, b, _, y in rows]
    triples = zip(right, wrong, wrong, strict=True)
    return "\n".join([head, *(line for lines in triples for line in lines), ""])


def fitted(spec: ModelSpec) -> tuple[Any, Part]:
    """Return the model's estimator, fitted as training fits it, and the training rows."""
    train, _ = split(spec, dataset.load(spec))
    with listening(spec):
        model = estimator.build(spec)
        weighting.request(spec, model)
        return cross_validation.fit(spec, model, train), train


def test_fit_is_that_of_scikit_learn_with_sample_weight(folder: Folder) -> None:
    """The last step of a pipeline learns under the weights, and a scaler from the rows alone."""
    model, train = fitted(write(folder, PIPELINE))
    expected = make_pipeline(StandardScaler(), LogisticRegression())
    expected.fit(train.X, train.y, logisticregression__sample_weight=train.weights)
    assert np.array_equal(model.predict_proba(train.X), expected.predict_proba(train.X))
    plain = make_pipeline(StandardScaler(), LogisticRegression()).fit(train.X, train.y)
    assert not np.allclose(model.predict_proba(train.X), plain.predict_proba(train.X))


def test_stacked_fit_is_that_of_scikit_learn_with_sample_weight(folder: Folder) -> None:
    """The estimators of a stack and the one that joins them learn under the weights."""
    model, train = fitted(write(folder, f"StackingClassifier([('a', {LOGISTIC})], {LOGISTIC})"))
    expected = StackingClassifier([("a", LogisticRegression())], LogisticRegression())
    expected.fit(train.X, train.y, sample_weight=train.weights)
    assert np.array_equal(model.predict_proba(train.X), expected.predict_proba(train.X))


@pytest.mark.nightly
@pytest.mark.slow
def test_search_chooses_by_weighted_scores(folder: Folder) -> None:
    """What a search tries is scored under the weights: most rows, of weight 0, do not choose."""
    built = f"GridSearchCV({LOGISTIC}, {{'C': [1e-6, 1]}}, cv=2)"
    model, _ = fitted(write(folder, built, csv=misleading()))
    assert model.cv_results_["mean_test_score"].max() > 0.7


@pytest.mark.daily(2)
@pytest.mark.slow
@pytest.mark.parametrize(
    "built",
    [
        "AdaBoostClassifier(random_state=0)",
        "HistGradientBoostingClassifier(max_iter=5)",
        f"CalibratedClassifierCV({PIPELINE})",
        f"VotingClassifier([('a', {PIPELINE}), ('b', RandomForestClassifier(5, random_state=0))])",
        f"GridSearchCV({PIPELINE}, {{'logisticregression__C': [0.01, 1]}})",
        f"GridSearchCV({PIPELINE}, {{'logisticregression__C': [0.01, 1]}}, scoring='roc_auc')",
    ],
    ids=["boosting", "histogram", "calibrated", "voting", "search", "scored search"],
)
def test_weights_reach_estimators_inside_others(folder: Folder, built: str) -> None:
    """Most rows have the other label and the weight 0: only who is told so learns the right one."""
    model, train = fitted(write(folder, built, csv=misleading()))
    right = train.weights == 1
    assert accuracy_score(train.y[right], model.predict(train.X[right])) > 0.7
    plain = estimator.build(write(folder, built, csv=misleading())).fit(train.X, train.y)
    assert accuracy_score(train.y[right], plain.predict(train.X[right])) < 0.5


@pytest.mark.parametrize(
    "built",
    ["KNeighborsClassifier()", "make_pipeline(StandardScaler(), KNeighborsClassifier())",
     f"VotingClassifier([('a', {LOGISTIC}), ('b', KNeighborsClassifier())])"],
    ids=["alone", "in a pipeline", "beside another"],
)  # fmt: skip
def test_estimator_that_takes_no_weights_is_refused_by_name(folder: Folder, built: str) -> None:
    """Nobody believes that rows were weighted by an estimator that cannot do it."""
    with pytest.raises(ModelError, match=r"sample_weight must be .* Got KNeighborsClassifier"):
        fitted(write(folder, built))


@pytest.mark.slow
def test_every_figure_of_a_training_is_weighted(folder: Folder) -> None:
    """Holdout, intervals, seeds and the kept record have the weights of the rows."""
    spec = write(folder, "RandomForestClassifier(10, random_state=0)", "[serve]\nthreshold = 0.3\n")
    train_here(spec, folder.root / "bundle")
    read = bundle.read(folder.root / "bundle")
    held = evaluation.read(read)
    assert held.weights
    expected = accuracy_score(held.truth, held.predictions, sample_weight=held.weights)
    metrics = read.manifest.metrics
    assert metrics.holdout["accuracy"] == pytest.approx(expected)
    assert expected != pytest.approx(accuracy_score(held.truth, held.predictions))
    low, high = metrics.intervals["accuracy"]
    assert low < expected < high
    (seeds,) = (scores for scores in metrics.seed_scores if scores.metric == "accuracy")
    assert seeds.scores[0] == pytest.approx(expected)
    assert (read.manifest.sample_weight, [i.name for i in read.manifest.inputs]) == (
        "weight", ["a", "b"],
    )  # fmt: skip
    content = (beside(read.path) / EVALUATION).read_bytes()
    record = decode(content, read.manifest.beside[EVALUATION], read.path)
    assert sorted(record.weights or []) == sorted(held.weights)
    answers = record.evaluation
    again = accuracy_score(answers.truth, answers.predictions, sample_weight=answers.weights)
    assert again == pytest.approx(expected)


@pytest.mark.slow
def test_regression_is_weighted_too(folder: Folder) -> None:
    """The median of the errors of a regression is scikit-learn's with sample_weight."""
    lines = [f"{row},{row % 7},{row % 5 / 4},{row * 2 + row % 7 * 0.5}" for row in range(80)]
    toml = default_toml("a,b,y\n").replace("classification", "regression").replace("accuracy", "r2")
    csv = "a,b,weight,y\n" + "\n".join(lines) + "\n"
    spec = folder.write(csv, f'sample_weight = "weight"\n{toml}', RIDGE)
    manifest = train_here(spec, folder.root / "bundle")
    held = evaluation.read(bundle.read(folder.root / "bundle"))
    expected = median_absolute_error(held.truth, held.predictions, sample_weight=held.weights)
    assert manifest.metrics.holdout["median_absolute_error"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("-1", ["column 'weight', row 1 ", "from 0", "Got -1"]),
        ("", ["column 'weight', row 1 ", "from 0", "no value"]),
        ("inf", ["column 'weight', row 1 ", "a number", "inf"]),
        ("much", ["column 'weight', row 1 ", "a number", "'much'"]),
    ],
)
def test_cell_that_is_no_weight_is_named(folder: Folder, cell: str, words: list[str]) -> None:
    """A weight is a finite number from 0 in every row."""
    csv = table().replace(table().splitlines()[1].split(",")[2], cell, 1)
    with pytest.raises(ModelError) as caught:
        dataset.load(write(folder, csv=csv))
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


@pytest.mark.parametrize("column", ["a", "y"])
def test_weight_is_no_input_and_not_the_target(folder: Folder, column: str) -> None:
    """How much a row counts is nothing that the model sees or predicts."""
    toml = default_toml("a,b,y\n")
    with pytest.raises(ModelError, match="sample_weight must be another column"):
        folder.write(table(), f'sample_weight = "{column}"\n{toml}')


def test_rows_that_do_not_count_do_not_make_a_class(folder: Folder) -> None:
    """A class whose rows all have the weight 0 can be neither learned nor judged."""
    lines = [
        ",".join([*cells[:2], "0" if cells[3] == "no" else "1", cells[3]])
        for cells in (line.split(",") for line in table().splitlines()[1:])
    ]
    spec = write(folder, csv="a,b,weight,y\n" + "\n".join(lines) + "\n")
    with pytest.raises(ModelError, match=r"class 'no'.* Got 0 and 0"):
        split(spec, dataset.load(spec))
