"""A threshold decides wherever a model is asked, and is chosen on rows that no fit has seen."""

from __future__ import annotations

import numpy as np
import pytest

from contract import bundle
from contract.bundle import Bundle, Example
from contract.errors import ModelError
from contract.evaluation import evaluation
from serve.inference.predictor import example_row, open_predictor
from tests.support.models.folder import FOREST, RATIOS, RIDGE, Folder, default_toml
from tests.support.models.train_here import train_here
from train.data import dataset
from train.data.split import split
from train.fit import estimator, threshold

GATE = '[gate]\nrecall = { class = "yes", min = 0 }\naccuracy = { min = 0 }\n'
LOGISTIC = RIDGE.replace("Ridge", "LogisticRegression")


def rare(rows: int = 300) -> str:
    """Return a CSV of two numbers that tell roughly which one in six rows is of a class."""
    random = np.random.default_rng(0)
    kinds = (np.arange(rows) % 6 == 0).astype(int)
    near = random.normal(kinds, 1)
    lines = [
        f"{a:.4f},{b:.4f},{'yes' if kind else 'no'}"
        for a, b, kind in zip(near, random.normal(5, 1, rows), kinds, strict=True)
    ]
    return "x,z,y\n" + "\n".join(lines) + "\n"


def trained(folder: Folder, source: str, rule: str) -> Bundle:
    """Train a model with a threshold, by a gate that names the recall of the rare class first."""
    toml = default_toml("x,z,y\n").partition("[gate]")[0] + f"{GATE}[serve]\n{rule}\n"
    train_here(folder.write(rare(), toml, source), folder.root / "bundle")
    return bundle.read(folder.root / "bundle")


@pytest.mark.daily(1)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("source", "runtime"),
    [(LOGISTIC, "onnx"), (FOREST, "onnx"), (RATIOS, "joblib")],
    ids=["line", "forest", "pickle"],
)
def test_threshold_decides_wherever_the_model_is_asked(
    folder: Folder, source: str, runtime: str
) -> None:
    """The held-out answers and those of the served model are decided by it, in either runtime."""
    read = trained(folder, source, "threshold = 0.2")
    assert (read.manifest.runtime, read.manifest.serving.threshold) == (runtime, 0.2)
    answered = evaluation.read(read)
    assert answered.probabilities is not None
    shares = np.array(answered.probabilities)[:, 1]
    assert answered.predictions == np.where(shares >= 0.2, "yes", "no").tolist()
    assert ((shares >= 0.2) != (shares >= 0.5)).sum() > 5
    rows = [
        example_row(Example(features=cells, prediction="no"), read) for cells in answered.features
    ]
    assert list(open_predictor(read, 1)(rows)[1].labels) == answered.predictions


@pytest.mark.slow
def test_threshold_is_chosen_on_the_folds(folder: Folder) -> None:
    """With "auto" the first gated metric decides: for recall the lowest threshold is the best."""
    read = trained(folder, LOGISTIC, 'threshold = "auto"')
    chosen = read.manifest.serving.threshold
    assert isinstance(chosen, float)
    assert chosen < 0.2
    assert read.manifest.metrics.holdout["recall(yes)"] > 0.9


def test_best_threshold_is_the_one_with_the_best_metric() -> None:
    """It is halfway between the probabilities that it parts, and a loss is made small."""
    shares, truth = np.array([0.1, 0.2, 0.3, 0.4]), np.array(["a", "a", "b", "b"])
    for metric in ("accuracy", "mcc", "f1(b)"):
        assert threshold.best(shares, truth, np.array(["a", "b"]), metric) == pytest.approx(0.25)


def test_best_threshold_is_that_of_the_rows_that_count() -> None:
    """Under weights, rows of weight 0 do not choose."""
    shares, truth = np.array([0.1, 0.2, 0.3, 0.4]), np.array(["a", "a", "b", "b"])
    odd, labels = np.array([0.6, 0.7, 0.8, 0.9]), np.array(["a"] * 4)
    weights = np.array([1.0] * 4 + [0.0] * 4)
    rows, labels = np.concatenate([shares, odd]), np.concatenate([truth, labels])
    classes = np.array(["a", "b"])
    assert threshold.best(rows, labels, classes, "mcc", weights) == pytest.approx(0.25)
    assert threshold.best(rows, labels, classes, "accuracy") > 0.4


@pytest.mark.parametrize(
    ("rule", "gate", "words"),
    [
        ("2", GATE, ["serve.threshold", "from 0 to 1"]),
        ('"best"', GATE, ["serve.threshold", 'a number or "auto"']),
        ('"auto"', "[gate]\nroc_auc = { min = 0 }\n", ["no metric of labels", "'auto'"]),
    ],
)
def test_threshold_names_a_mistake_and_its_cure(
    folder: Folder, rule: str, gate: str, words: list[str]
) -> None:
    """A threshold that cannot be is refused before anything is fitted."""
    toml = default_toml("x,z,y\n").partition("[gate]")[0] + f"{gate}[serve]\nthreshold = {rule}\n"
    with pytest.raises(ModelError) as caught:
        decide(folder, rare(), toml)
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_threshold_needs_two_classes(folder: Folder) -> None:
    """Of three classes no single threshold decides."""
    csv = rare().replace("yes\n", "maybe\n", 30)
    toml = default_toml("x,z,y\n") + "[serve]\nthreshold = 0.3\n"
    with pytest.raises(ModelError, match=r"two classes\. Got 3 classes"):
        decide(folder, csv, toml)


def decide(folder: Folder, csv: str, toml: str) -> object:
    """Return the estimator of a model as its threshold makes it."""
    spec = folder.write(csv, toml)
    return threshold.decided(spec, estimator.build(spec), split(spec, dataset.load(spec))[0])
