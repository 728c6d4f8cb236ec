"""Metrics of resamples are scikit-learn's, and the resamples are what they should be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

from contract.evaluation import bootstrap
from contract.evaluation.bootstrap import count, interval, intervals, weights
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.scores import score, scorer
from contract.evaluation.segments import segments, subset


def evaluation(truth: Any, predictions: Any, probabilities: Any = None) -> Evaluation:
    """Return an evaluation with these answers."""
    return Evaluation(
        rows=list(range(len(truth))),
        columns={},
        truth=list(truth),
        predictions=list(predictions),
        probabilities=probabilities,
    )


def labelled(rows: int, classes: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return truth, predictions and probabilities, with ties among them."""
    random = np.random.default_rng(rows)
    truth = np.arange(rows) % classes
    odds = (random.random((rows, classes)) + np.eye(classes)[truth] * 0.6).round(1)
    odds /= odds.sum(axis=1, keepdims=True)
    return truth, odds.argmax(axis=1), odds


def test_scores_of_anomalies_are_those_of_scikit_learn() -> None:
    """Anomaly scores rank the rows, and have no metric of probabilities."""
    truth, predictions, odds = labelled(60, 2)
    ranks = 3 * odds[:, 1] - 1.5
    answered = evaluation(truth.tolist(), predictions.tolist(), ranks[:, None].tolist())
    scored = score(answered, [0, 1])
    assert scored["roc_auc"] == pytest.approx(metrics.roc_auc_score(truth, ranks))
    expected = metrics.average_precision_score(truth, ranks)
    assert scored["average_precision"] == pytest.approx(expected)
    assert not {"log_loss", "brier"} & {*scored}


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_scores_of_classes_are_those_of_scikit_learn(classes: int) -> None:
    """Each metric of each resample is scikit-learn's on the rows that were drawn."""
    truth, predictions, odds = labelled(60, classes)
    answered = evaluation(truth.tolist(), predictions.tolist(), odds.tolist())
    answered.metrics = ["precision(1)", "recall(0)", "f1(1)"]
    drawn = next(weights(len(truth)))[:5]
    scores = scorer(answered, list(range(classes)))(drawn)
    for place, times in enumerate(drawn):
        rows = np.repeat(np.arange(len(truth)), times)
        t, p, o = truth[rows], predictions[rows], odds[rows]
        area = metrics.roc_auc_score(t, o[:, 1] if classes == 2 else o, multi_class="ovr")
        assert {name: values[place] for name, values in scores.items()} == pytest.approx(
            {
                "accuracy": metrics.accuracy_score(t, p),
                "balanced_accuracy": metrics.balanced_accuracy_score(t, p),
                "f1_macro": metrics.f1_score(t, p, average="macro"),
                "roc_auc": area,
                "log_loss": metrics.log_loss(t, o),
                "average_precision": metrics.average_precision_score(
                    t, o[:, 1] if classes == 2 else o
                ),
                "brier": metrics.brier_score_loss(t, o[:, 1] if classes == 2 else o),
                "mcc": metrics.matthews_corrcoef(t, p),
                "precision(1)": metrics.precision_score(t, p, labels=[1], average=None)[0],
                "recall(0)": metrics.recall_score(t, p, labels=[0], average=None)[0],
                "f1(1)": metrics.f1_score(t, p, labels=[1], average=None)[0],
            }
        )


def test_scores_of_numbers_are_those_of_scikit_learn() -> None:
    """Each metric of each resample is scikit-learn's on the rows that were drawn."""
    random = np.random.default_rng(0)
    truth = random.normal(size=51)
    predictions = truth + random.normal(size=51) / 3
    answered = evaluation(truth.tolist(), predictions.tolist())
    answered.metrics = ["mape", "pinball(0.9)"]
    drawn = next(weights(51))[:5]
    scores = scorer(answered, None)(drawn)
    for place, times in enumerate(drawn):
        rows = np.repeat(np.arange(51), times)
        t, p = truth[rows], predictions[rows]
        assert {name: values[place] for name, values in scores.items()} == pytest.approx(
            {
                "r2": metrics.r2_score(t, p),
                "rmse": metrics.root_mean_squared_error(t, p),
                "mae": metrics.mean_absolute_error(t, p),
                "median_absolute_error": metrics.median_absolute_error(t, p),
                "mape": metrics.mean_absolute_percentage_error(t, p),
                "pinball(0.9)": metrics.mean_pinball_loss(t, p, alpha=0.9),
            }
        )


@pytest.mark.parametrize("classes", [2, 3])
def test_weighted_scores_of_classes_are_those_of_scikit_learn(classes: int) -> None:
    """Each metric under weights of rows is scikit-learn's with them as its sample_weight."""
    truth, predictions, odds = labelled(60, classes)
    weight = np.random.default_rng(1).exponential(size=60)
    answered = evaluation(truth.tolist(), predictions.tolist(), odds.tolist())
    answered.metrics, answered.weights = ["precision(1)", "recall(0)", "f1(1)"], weight.tolist()
    known: dict[str, Any] = {"sample_weight": weight}
    t, p, o = truth, predictions, odds[:, 1] if classes == 2 else odds
    f1 = metrics.f1_score(t, p, labels=[1], average=None, **known)[0]
    assert score(answered, list(range(classes))) == pytest.approx(
        {
            "accuracy": metrics.accuracy_score(t, p, **known),
            "balanced_accuracy": metrics.balanced_accuracy_score(t, p, **known),
            "f1_macro": metrics.f1_score(t, p, average="macro", **known),
            "roc_auc": metrics.roc_auc_score(t, o, **known)
            if classes == 2
            else np.mean([metrics.roc_auc_score(t == c, o[:, c], **known) for c in range(3)]),
            "log_loss": metrics.log_loss(t, odds, **known),
            "average_precision": metrics.average_precision_score(t, o, **known),
            "brier": metrics.brier_score_loss(t, o, **known),
            "mcc": metrics.matthews_corrcoef(t, p, **known),
            "precision(1)": metrics.precision_score(t, p, labels=[1], average=None, **known)[0],
            "recall(0)": metrics.recall_score(t, p, labels=[0], average=None, **known)[0],
            "f1(1)": f1,
        }
    )


@pytest.mark.parametrize("whole", [False, True], ids=["fractions", "whole"])
def test_weighted_scores_of_numbers_are_those_of_scikit_learn(*, whole: bool) -> None:
    """Under weights each metric, the median too, is scikit-learn's with them as sample_weight."""
    random = np.random.default_rng(0)
    truth = random.normal(size=50)
    predictions = truth + random.normal(size=50) / 3
    weight = random.integers(1, 4, 50).astype(float) if whole else random.exponential(size=50)
    answered = evaluation(truth.tolist(), predictions.tolist())
    answered.metrics, answered.weights = ["mape", "pinball(0.9)"], weight.tolist()
    t, p, known = truth, predictions, {"sample_weight": weight}
    assert score(answered, None) == pytest.approx(
        {
            "r2": metrics.r2_score(t, p, **known),
            "rmse": metrics.root_mean_squared_error(t, p, **known),
            "mae": metrics.mean_absolute_error(t, p, **known),
            "median_absolute_error": metrics.median_absolute_error(t, p, **known),
            "mape": metrics.mean_absolute_percentage_error(t, p, **known),
            "pinball(0.9)": metrics.mean_pinball_loss(t, p, alpha=0.9, **known),
        }
    )


def test_resample_without_any_weight_has_no_metric() -> None:
    """Where no drawn row counts, every metric is NaN, and no warning is raised."""
    numbers = evaluation([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    labels = evaluation(["a", "b", "a"], ["a", "b", "b"], [[1.0, 0.0], [0.2, 0.8], [0.5, 0.5]])
    for answered, classes in ((numbers, None), (labels, ["a", "b"])):
        answered.weights = [0.0, 0.0, 1.0]
        drawn = scorer(answered, classes)(np.array([[2, 1, 0]]))
        strange = {name for name, values in drawn.items() if not np.isnan(values[0])}
        assert strange <= {"mcc"}  # 0 where nothing varies, as scikit-learn has it


def test_mcc_of_a_constant_prediction_is_0_whatever_the_weights() -> None:
    """The rounding of sums of weights makes no correlation of a prediction that never varies."""
    answered = evaluation(["a", "b", "b"] * 10, ["a"] * 30)
    answered.weights = [0.1, 0.7, 1 / 3] * 10
    assert score(answered, ["a", "b"])["mcc"] == 0


def test_metric_of_a_class_that_nobody_predicts_does_not_exist() -> None:
    """Without a row that is predicted to be of the class, its precision is NaN and fails a gate."""
    answered = evaluation(["a", "b"], ["a", "a"])
    answered.metrics = ["precision(b)", "recall(b)", "recall(strange)"]
    scores = score(answered, ["a", "b"])
    assert math.isnan(scores["precision(b)"])
    assert (scores["recall(b)"], scores["mcc"]) == (0, 0)
    assert "recall(strange)" not in scores


def test_resamples_draw_as_many_rows_as_there_are() -> None:
    """Each resample draws as many rows as there are, and every row is equally likely."""
    drawn = np.concatenate(list(weights(6)))
    assert drawn.shape == (count(6), 6)
    assert set(drawn.sum(axis=1)) == {6}
    assert drawn.mean(axis=0) == pytest.approx(np.ones(6), abs=0.06)


def test_interval_of_a_share_is_that_of_its_distribution() -> None:
    """90 of 100 rows right give the binomial 95 % interval, 84 % to 95 %."""
    answered = evaluation([1.0] * 90 + [0.0] * 10, [1.0] * 100)
    scores = np.concatenate([scorer(answered, None)(drawn)["mae"] for drawn in weights(100)])
    assert interval(1 - scores) == pytest.approx((0.84, 0.95), abs=0.011)


@pytest.mark.nightly
def test_intervals_of_a_bag_are_those_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bag of a fifth of the rows tells how far chance moves them, and a rare class, too."""
    truth, predictions, odds = labelled(20_000, 2)
    rare = np.where(np.arange(20_000) % 200 == 0, 2, truth)
    odds = np.hstack([odds, np.full((20_000, 1), 0.0)])
    predictions = np.where((rare == 2) & (np.arange(20_000) % 400 == 0), 2, predictions)
    answered = evaluation(rare.tolist(), predictions.tolist(), odds.tolist())
    answered.metrics = ["recall(2)"]
    exact = intervals(answered, [0, 1, 2])
    monkeypatch.setattr(bootstrap, "BAG", 4_000)
    bagged = intervals(answered, [0, 1, 2])
    width = {name: high - low for name, (low, high) in exact.items()}
    for name, (low, high) in bagged.items():
        assert (low, high) == pytest.approx(exact[name], abs=0.25 * width[name]), name


def test_score_counts_a_class_that_the_model_does_not_know_as_wrong() -> None:
    """A truth beyond the model's classes is a miss, not a crash."""
    assert score(evaluation(["a", "z"], ["a", "a"]), ["a", "b"])["accuracy"] == 0.5


def test_segments_of_a_measured_column_are_its_quartiles() -> None:
    """Every row is in one segment, missing ones in their own; none is much larger than others."""
    values = [float(row) for row in range(40)] + [None]
    parts = segments(values)
    assert list(parts) == ["0 to 10", "10 to 20", "20 to 29", "29 to 39", "missing"]
    assert [len(rows) for rows in parts.values()] == [10, 10, 9, 11, 1]
    assert sorted(row for rows in parts.values() for row in rows) == list(range(41))


def test_segments_of_a_column_of_categories_are_its_values() -> None:
    """Few different numbers are categories too."""
    assert segments(["b", None, "a", "b"]) == {"a": [2], "b": [0, 3], "missing": [1]}
    assert segments([2009.0, 2007.0, 2009.0]) == {"2007": [1], "2009": [0, 2]}


def test_part_keeps_every_list_in_step() -> None:
    """A subset of an evaluation has the rows' entries of every list in it."""
    answered = evaluation(["a", "b"], ["b", "a"], [[0.1, 0.9], [0.8, 0.2]])
    answered.others, answered.weights = {"place": ["north", "south"]}, [0.5, 2.0]
    kept = subset(answered, [1])
    assert (kept.rows, kept.truth, kept.predictions) == ([1], ["b"], ["a"])
    assert (kept.probabilities, kept.weights) == ([[0.8, 0.2]], [2.0])
    assert kept.others == {"place": ["south"]}


@pytest.mark.parametrize("mean", [0.0, 1e8, -1e12])
def test_r2_keeps_its_digits_where_the_mean_is_large_beside_the_spread(mean: float) -> None:
    """For a truth such as milliseconds since 1970, r2 is scikit-learn's in every resample."""
    random = np.random.default_rng(1)
    truth = mean + random.normal(size=80)
    predictions = truth + random.normal(size=80) / 2
    drawn = np.concatenate([np.ones((1, 80), dtype=np.int64), next(weights(80))[:5]])
    scores = scorer(evaluation(truth.tolist(), predictions.tolist()), None)(drawn)["r2"]
    rows = [np.repeat(np.arange(80), times) for times in drawn]
    expected = [metrics.r2_score(truth[row], predictions[row]) for row in rows]
    assert scores.tolist() == pytest.approx(expected)


def test_r2_of_a_truth_that_does_not_vary_does_not_exist() -> None:
    """r2 is NaN for a constant truth, even if rounding leaves some spread."""
    truth = [0.1] * 49 + [0.7]
    drawn = np.array([[1] * 49 + [0], [1] * 50])
    scores = scorer(evaluation(truth, [0.2] * 50), None)(drawn)["r2"]
    assert np.isnan(scores).tolist() == [True, False]
