"""A model's own metrics.py: scored apart from the model, and used as any other metric is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contract import bundle
from contract.bundle import Bundle, Outcome
from contract.errors import ModelError
from contract.evaluation import evaluation, own_metrics
from contract.evaluation.bootstrap import bootstrap
from contract.evaluation.own_metrics import RESAMPLES, Question
from contract.spec import model_toml
from contract.spec.model_toml import ModelSpec
from tests.support.models.folder import RIDGE, Folder, default_toml, two_classes
from tests.support.models.train_here import train_here
from train.fit.model_package import make_importable
from train.fit.own_metrics import OwnMetric
from train.steps import score

PROFIT = """\
import numpy as np

from model._shared.prices import PRICE


def _helper(x):
    return x


def profit(truth, predictions, probabilities=None, *, classes):
    assert classes == ["no", "yes"] and probabilities.shape == (len(truth), 2)
    return PRICE * np.mean(truth == predictions)


def cost(truth, predictions):
    return float(np.mean(truth != predictions))
"""
RULES = """\
profit = { min = 1, drop = 0.1 }
cost = { max = 0.9 }
[gate.segments.kind]
profit = { min = 0 }
"""
LOGISTIC = RIDGE.replace("Ridge", "LogisticRegression")


def write(folder: Folder, metrics: str = PROFIT, rules: str = RULES, source: str = "") -> ModelSpec:
    """Write a classification of a number, with metrics of its own and a column to part it by."""
    lines = two_classes(120).splitlines()
    csv = "\n".join([f"{line},kind" if not row else f"{line},{'uv'[row % 3 > 0]}"
                     for row, line in enumerate(lines)])  # fmt: skip
    (folder.root / "_shared").mkdir(exist_ok=True)
    (folder.root / "_shared" / "prices.py").write_text("PRICE = 10\n")
    (folder.path / "metrics.py").write_text(metrics)
    toml = default_toml("x,y\n").partition("[gate]")[0] + f"[gate]\n{rules}"
    return folder.write(f"{csv}\n", toml, source or LOGISTIC)


def trained(folder: Folder, spec: ModelSpec) -> Bundle:
    """Train a model here, and return its bundle."""
    train_here(spec, folder.root / "bundle")
    return bundle.read(folder.root / "bundle")


def question(rows: int = 30, resamples: int = 0) -> Question:
    """Return answers to score."""
    labels = ["no" if row % 3 else "yes" for row in range(rows)]
    odds = [[0.7, 0.3] if label == "no" else [0.2, 0.8] for label in labels]
    return Question(truth=list(labels), predictions=["no"] * rows, probabilities=odds, weights=None,
                    classes=["no", "yes"], resamples=resamples)  # fmt: skip


@pytest.mark.slow
def test_own_metric_is_used_as_any_other(folder: Folder) -> None:
    """It has folds, seeds, an interval, a gate, importance and a learning curve; it is first."""
    forest = "RandomForestClassifier(5, random_state=0)"
    source = "from sklearn.ensemble import RandomForestClassifier\n\n\ndef build():\n"
    source += f"    return {forest}\n"
    read = trained(folder, write(folder, source=source))
    metrics, held = read.manifest.metrics, evaluation.read(read)
    assert metrics.holdout["profit"] == pytest.approx(10 * metrics.holdout["accuracy"])
    assert metrics.holdout["cost"] == pytest.approx(1 - metrics.holdout["accuracy"])
    folds = metrics.cross_validation
    assert folds["profit"].mean == pytest.approx(10 * folds["accuracy"].mean)
    by_key = {(seeds.metric, seeds.where): seeds.scores for seeds in metrics.seed_scores}
    assert by_key["profit", None] == pytest.approx([10 * s for s in by_key["accuracy", None]])
    assert [(check.metric, check.passed) for check in read.manifest.gate.checks] == [
        ("profit", True), ("cost", True),
    ]  # fmt: skip
    assert held.study
    assert held.study.metric == "profit"
    assert held.study.learning[-1].score > 5
    assert metrics.intervals["profit"][0] <= metrics.holdout["profit"]


@pytest.mark.slow
def test_resamples_are_those_of_the_other_metrics(folder: Folder) -> None:
    """The first resamples of a metric that counts right answers are ten times the accuracies."""
    held = evaluation.read(trained(folder, write(folder)))
    (drawn,) = bootstrap([held], ["no", "yes"])
    assert drawn["profit"] == pytest.approx(10 * drawn["accuracy"][:RESAMPLES])


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ("def profit(truth, predictions):\n    return 1 / 0\n", ["profit", "ZeroDivisionError"]),
        ("def profit(truth, predictions):\n    return 'much'\n", ["profit", "finite", "'much'"]),
        ("def profit(truth, predictions):\n    return float('inf')\n", ["profit", "finite", "inf"]),
        (
            "def profit(truth, predictions):\n    while True:\n        pass\n",
            ["profit", "no value"],
        ),
        ("import os\n\ndef profit(truth, predictions):\n    os._exit(7)\n", ["profit", "code 7"]),
        ("import nothing\n\ndef profit(truth, predictions):\n    return 1\n", ["No module"]),
    ],
    ids=["fails", "text", "infinite", "endless", "ends", "import"],
)
def test_metric_that_cannot_be_computed_is_named(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, metrics: str, words: list[str]
) -> None:
    """Whatever a function does, the step ends with its name and a cure."""
    monkeypatch.setattr(score, "SECONDS", 2.0)
    spec = write(folder, metrics, "profit = { min = 1 }\n")
    with pytest.raises(ModelError) as caught:
        score.score(spec, "profit", [question()])
    assert [w for w in ["metrics.py", *words] if w not in str(caught.value)] == []


@pytest.mark.slow
def test_metric_that_does_not_exist_on_the_holdout_is_an_error(folder: Folder) -> None:
    """NaN is allowed in a segment or a resample, and not on all held-out rows."""
    nan = "def profit(truth, predictions):\n    return float('nan')\n"
    spec = write(folder, nan, "accuracy = { min = 0 }\nprofit = { min = 1 }\n")
    with pytest.raises(ModelError, match=r"metrics\.py: profit must be a number on the held-out"):
        train_here(spec, folder.root / "bundle")


def test_function_gets_arrays_and_what_it_has_parameters_for(folder: Folder) -> None:
    """Labels come as objects, numbers as floats; a resample is of the rows that were drawn."""
    code = (
        "def first(truth, predictions):\n    return float(truth.dtype == object)\n\n"
        "def second(truth, predictions, probabilities, classes, sample_weight):\n"
        "    assert probabilities is None and classes is None\n"
        "    return sample_weight @ (truth - predictions) / sample_weight.sum()\n"
    )
    spec = write(folder, code, "first = { min = 1 }\nsecond = { max = 1 }\n")
    make_importable(spec)
    assert OwnMetric(spec, "first")(question()) == [1.0]
    weights = [float(row) for row in range(20)]
    truth: list[Outcome] = [*weights]
    asked = Question(truth=truth, predictions=[0.0] * 20, probabilities=None, weights=weights,
                     classes=None, resamples=3)  # fmt: skip
    whole, *drawn = OwnMetric(spec, "second")(asked)
    assert whole == pytest.approx(np.average(weights, weights=weights))
    assert len({whole, *drawn}) == 4


def test_function_gets_a_column_for_each_of_several_targets(folder: Folder) -> None:
    """Of several targets, truth and predictions have the shape (rows, targets)."""
    code = "def worst(truth, predictions):\n    return abs(truth - predictions).max(axis=0).min()\n"
    spec = write(folder, code, "worst = { max = 1 }\n")
    make_importable(spec)
    asked = Question(truth=[(1.0, 2.0), (3.0, 4.0)], predictions=[(1.0, 3.0), (2.5, 4.0)],
                     probabilities=None, weights=None, classes=None, resamples=0)  # fmt: skip
    assert OwnMetric(spec, "worst")(asked) == [0.5]


def test_weighted_model_has_weighted_metrics(folder: Folder) -> None:
    """A function without sample_weight is refused where rows count differently."""
    spec = write(folder, PROFIT, "cost = { max = 1 }\n")
    toml = (folder.path / "model.toml").read_text()
    (folder.path / "model.toml").write_text(f'sample_weight = "kind"\n{toml}')
    spec = model_toml.read(folder.name, folder.root)
    make_importable(spec)
    with pytest.raises(ModelError, match="a function of sample_weight too"):
        OwnMetric(spec, "cost")


@pytest.mark.parametrize(
    ("metrics", "rules", "words"),
    [
        (PROFIT, "profits = { min = 1 }", ["gate.profits", "Did you mean 'profit'?"]),
        (PROFIT, "_helper = { min = 1 }", ["gate._helper", "profit, cost"]),
        (PROFIT, "profit = { drop = 1 }", ["gate.profit", "min or max", "Got drop"]),
        (PROFIT, "profit = { min = 1, max = 2 }", ["min or max", "Got min and max"]),
        (PROFIT, "profit = 3", ["gate.profit", "a table"]),
        (PROFIT, "profit = { min = 1 }\n[gate.segments.kind]\nprofit = { max = 1 }",
         ["the same bound of profit everywhere"]),
        ("def accuracy(truth, predictions):\n    return 1\n", "accuracy = { min = 1 }",
         ["metrics.py: accuracy", "Rename it"]),
    ],
)  # fmt: skip
def test_rule_of_an_own_metric_names_a_mistake(
    folder: Folder, metrics: str, rules: str, words: list[str]
) -> None:
    """A name that metrics.py has not, and a rule that says no way, are refused."""
    with pytest.raises(ModelError) as caught:
        write(folder, metrics, rules)
    assert [word for word in words if word not in str(caught.value)] == [], str(caught.value)


def test_metrics_are_read_and_not_run_to_know_their_names(folder: Folder) -> None:
    """A model.toml is read on the host, where no code of a model runs."""
    spec = write(folder, "raise SystemExit\n\ndef profit(t, p):\n    ...\n", "profit = { min = 1 }")
    assert spec.gate.own_bounds == {"profit": "min"}
    assert spec.gate.asked == ["profit"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[]", "readable"),
        (b"{}", "values of profit"),
        (b'{"KEY": {"profit": [1.0]}}', "3 values"),
        (b'{"KEY": {"profit": [1.0, 2.0, 1e999]}}', "readable|finite"),
        (b'{"KEY": {"profit": [1.0, 2.0, null], "accuracy": [1.0, 1.0, 1.0]}}', "values of profit"),
    ],
)
def test_values_are_claims_within_bounds(tmp_path: Path, content: bytes, words: str) -> None:
    """What the model's code wrote must be so many numbers of the metrics that were asked for."""
    asked = question(resamples=2)
    (tmp_path / own_metrics.VALUES).write_bytes(content.replace(b"KEY", asked.key.encode()))
    with pytest.raises(ModelError, match=words):
        own_metrics.read_values(tmp_path, [asked], ["profit"])
