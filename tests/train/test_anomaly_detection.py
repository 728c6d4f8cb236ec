"""Anomalies are found by models that never see which rows are some."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.svm import OneClassSVM

from contract import bundle
from contract.bundle import Bundle
from contract.errors import ModelError
from contract.evaluation import evaluation
from contract.spec.model_toml import ModelSpec
from judge.judge import judge
from judge.render import formats
from serve.inference.predictor import open_predictor
from tests.support.models.folder import FOREST as CLASSIFIER
from tests.support.models.folder import Folder
from tests.support.models.shop import published
from tests.support.models.train_here import train_here
from train.data import dataset
from train.data.split import split
from train.fit import estimator
from train.fit.detector import Detector

TOML = """
description = "Payments that are unlike the others"
task = "anomaly_detection"
target = "fraud"
anomaly = "yes"

[data]
source = "data.csv"
sha256 = "SHA256"

[inputs]
amount = "numeric"
hour = "numeric"
shop = "categorical"

[split]
method = "random"

[evaluate]
folds = 2
seeds = 1

[gate]
average_precision = { min = 0.5, drop = 0.2 }
recall = { class = "yes", min = 0.5 }

[gate.segments.shop]
accuracy = { min = 0.5 }
"""
PIPELINE = """
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from {module} import {name}


def build():
    columns = make_column_transformer(
        (StandardScaler(), ["amount", "hour"]), (OneHotEncoder(), ["shop"]), sparse_threshold=0
    )
    return make_pipeline(columns, {name}({options}))
"""
FOREST = PIPELINE.format(
    module="sklearn.ensemble", name="IsolationForest", options="n_estimators=20, contamination=0.06"
)
NEIGHBOURS = PIPELINE.format(
    module="sklearn.neighbors", name="LocalOutlierFactor", options="n_neighbors=30, novelty=True"
)
MACHINE = PIPELINE.format(module="sklearn.svm", name="OneClassSVM", options="nu=0.06")
ELLIPSE = PIPELINE.format(
    module="sklearn.covariance", name="EllipticEnvelope", options="contamination=0.06"
)


def payments(rows: int = 400, *, known: bool = True) -> str:
    """Return a CSV of payments, of which some are fraud; `known` says whether it tells which."""
    random = np.random.default_rng(0)
    lines = []
    for row in range(rows):
        is_fraud = row % 16 == 0
        amount = random.normal(40, 10) + is_fraud * random.choice([60, 90])
        hour = random.normal(14, 3) - is_fraud * 8
        truth = "yes" if is_fraud and known else "no"
        lines.append(f"{amount:.2f},{hour:.2f},{'fuw'[row % 3]},{truth}")
    return "amount,hour,shop,fraud\n" + "\n".join(lines) + "\n"


def trained(read: ModelSpec, out: Path) -> Bundle:
    """Train a model in this process, and return its bundle."""
    train_here(read, out)
    return bundle.read(out)


@pytest.mark.daily(1)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "runtime"),
    [(FOREST, "onnx"), (NEIGHBOURS, "onnx"), (MACHINE, "onnx"), (ELLIPSE, "joblib")],
    ids=["isolation forest", "local outlier factor", "one-class machine", "ellipse"],
)
def test_detector_is_judged_and_served(folder: Folder, source: str, runtime: str) -> None:
    """Labels are those of the target, and scores rank the rows, in training and in a server."""
    spec = folder.write(payments(), TOML, source)
    read, gate = trained(spec, folder.root / "bundle"), spec.gate
    manifest, answered = read.manifest, evaluation.read(read)
    assert (manifest.runtime, manifest.classes) == (runtime, ["no", "yes"]), manifest.runtime_reason
    assert {*answered.predictions} == {"no", "yes"}
    scores = np.array(answered.probabilities)[:, 0]
    assert ((scores > 0) == (np.array(answered.predictions) == "yes")).all()
    expected = metrics.average_precision_score(np.array(answered.truth) == "yes", scores)
    assert manifest.metrics.holdout["average_precision"] == pytest.approx(expected)
    assert {"precision(yes)", "recall(yes)", "f1(yes)", "roc_auc"} <= {*manifest.metrics.holdout}
    assert not {"log_loss", "brier"} & {*manifest.metrics.holdout}
    open_predictor(read, 1)  # which raises unless it answers the golden examples
    judged = judge(read, None, gate)
    assert judged.report.verdict == "passed"
    assert "anomaly score" in formats.html(judged).decode()


def test_target_never_trains(folder: Folder) -> None:
    """A model is the same whichever rows are known to be anomalies, and if none is."""
    fitted = []
    for known in (True, False):
        read = folder.write(payments(known=known), TOML, FOREST)
        data = dataset.load(read)
        detector = Detector(estimator.build(read), ["no", "yes"]).set_params(
            estimator__isolationforest__random_state=0
        )
        fitted.append(detector.fit(data.X, data.y).anomaly_score(data.X))
    assert np.array_equal(*fitted)


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize("rows", [400, 500], ids=["same holdout", "more data"])
def test_detector_is_compared_with_the_published_one(folder: Folder, rows: int) -> None:
    """A worse detector is told from the published one, by recorded answers and by new ones."""
    toml = TOML.replace('"random"', '"hash"').replace("seeds = 1", "seeds = 0")
    old = trained(folder.write(payments(), toml, FOREST), folder.root / "old" / "bundle")
    source = FOREST.replace("contamination=0.06", "contamination=0.5")
    spec = folder.write(payments(rows), toml, source)
    new = trained(spec, folder.root / "new" / "bundle")
    report = judge(new, published(old), spec.gate).report
    scores = {score.metric: score for score in report.scores}
    assert scores["accuracy"].direction == scores["precision(yes)"].direction == "worse"
    assert scores["accuracy"].test == "McNemar, exact"
    assert scores["average_precision"].test == "paired bootstrap"
    assert scores["average_precision"].direction == "same"
    assert report.changes
    assert report.changes.worse > 10


@pytest.mark.nightly
@pytest.mark.slow
def test_weights_count_in_fit_and_metrics(folder: Folder) -> None:
    """A detector that takes weights gets those of the rows, and so do its metrics."""
    header, *lines = payments().splitlines()
    rows = [f"{line},{1 + row % 5}" for row, line in enumerate(lines)]
    csv = "\n".join([f"{header},cases", *rows, ""])
    toml = f'sample_weight = "cases"\n{TOML}'
    read = trained(folder.write(csv, toml, MACHINE), folder.root / "bundle")
    answered = evaluation.read(read)
    is_fraud, scores = np.array(answered.truth) == "yes", np.array(answered.probabilities)[:, 0]
    expected = metrics.average_precision_score(is_fraud, scores, sample_weight=answered.weights)
    assert read.manifest.metrics.holdout["average_precision"] == pytest.approx(expected)
    with pytest.raises(ModelError, match="LocalOutlierFactor, which takes none"):
        trained(folder.write(csv, toml, NEIGHBOURS), folder.root / "bundle")


def test_weights_reach_the_detector() -> None:
    """A fit with weights is another than one without, and that of the bare detector."""
    random = np.random.default_rng(0)
    X, weights = pd.DataFrame({"a": random.normal(size=60)}), random.random(60)
    bare = OneClassSVM(nu=0.1).fit(X, sample_weight=weights)
    weighed = Detector(OneClassSVM(nu=0.1), [0, 1]).fit(X, None, weights)
    plain = Detector(OneClassSVM(nu=0.1), [0, 1]).fit(X)
    assert np.array_equal(weighed.anomaly_score(X), -bare.decision_function(X))
    assert not np.array_equal(weighed.anomaly_score(X), plain.anomaly_score(X))


MISTAKES = {
    "another value": (
        ('anomaly = "yes"', 'anomaly = "fraud"'),
        ["of two values, of which 'fraud' means an anomaly", "Got 'no', 'yes'", "anomaly = …"],
    ),
    "no value named": (('anomaly = "yes"\n', ""), ["of which 1 means an anomaly", "'no', 'yes'"]),
    "three values": (('target = "fraud"', 'target = "shop2"'), ["of two values", "'f', 'u', 'w'"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_target_that_names_no_anomaly_is_refused(folder: Folder, mistake: str) -> None:
    """The two values of the target, and which of them is the anomaly, are known before any fit."""
    (right, wrong), words = MISTAKES[mistake]
    header, *lines = payments().splitlines()
    csv = "\n".join([f"{header},shop2", *(f"{line},{line.split(',')[2]}" for line in lines), ""])
    read = folder.write(csv, TOML.replace(right, wrong).replace('class = "yes"', 'class = "x"'))
    with pytest.raises(ModelError) as error:
        split(read, dataset.load(read))
    assert all(word in str(error.value) for word in words), error.value


def test_holdout_without_anomalies_is_refused(folder: Folder) -> None:
    """Known anomalies that are all trained on would judge nothing."""
    header, *lines = payments().splitlines()
    sides = ["train" if line.endswith("yes") or row % 3 else "test"
             for row, line in enumerate(lines)]  # fmt: skip
    csv = "\n".join([f"{header},side", *map(",".join, zip(lines, sides, strict=True)), ""])
    toml = TOML.replace('method = "random"', 'method = "given"\ncolumn = "side"')
    read = folder.write(csv, toml)
    with pytest.raises(ModelError, match=r"class 'yes' of 'fraud' must be in 1 holdout row"):
        split(read, dataset.load(read))


@pytest.mark.nightly
@pytest.mark.slow
def test_novelties_need_none_to_train_on(folder: Folder) -> None:
    """For novelty detection a column may hold out every known anomaly."""
    header, *lines = payments().splitlines()
    sides = ["test" if line.endswith("yes") or row % 3 == 0 else "train"
             for row, line in enumerate(lines)]  # fmt: skip
    csv = "\n".join([f"{header},side", *map(",".join, zip(lines, sides, strict=True)), ""])
    toml = TOML.replace('method = "random"', 'method = "given"\ncolumn = "side"')
    read = trained(folder.write(csv, toml, NEIGHBOURS), folder.root / "bundle")
    assert read.manifest.classes == ["no", "yes"]
    assert read.manifest.metrics.holdout["recall(yes)"] > 0.9


CLUSTERS = "from sklearn.cluster import KMeans\n\n\ndef build():\n    return KMeans()\n"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (CLUSTERS, "an outlier detector. Got KMeans instead. Return one. What has no truth"),
        (CLASSIFIER, 'Return one, or write task = "classification" in'),
        (NEIGHBOURS.replace("novelty=True", "novelty=False"), "LocalOutlierFactor(novelty=True)"),
    ],
    ids=["clusters", "classifier", "neighbours without novelty"],
)
def test_other_estimators_are_refused(folder: Folder, source: str, words: str) -> None:
    """Who returns no detector is told what to return, or which task fits."""
    with pytest.raises(ModelError) as error:
        estimator.build(folder.write(payments(), TOML, source))
    assert words in str(error.value)


def test_detector_is_refused_as_a_classifier(folder: Folder) -> None:
    """Who returns a detector for another task is told the task it is for."""
    with pytest.raises(ModelError, match='or write task = "anomaly_detection" in'):
        estimator.build(folder.write("x,y\n1,1\n", estimator=FOREST))
