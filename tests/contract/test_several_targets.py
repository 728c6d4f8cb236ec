"""The metrics of several targets are scikit-learn's averages over targets and labels."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from sklearn import metrics

from contract.bundle import Example, Outcome, named
from contract.evaluation.bootstrap import weights
from contract.evaluation.evaluation import Evaluation, by_target
from contract.evaluation.scores import score, scorer
from judge.comparison.permutation_test import permutation

TARGETS = ["a", "b", "c"]


def evaluation(truth: list[Outcome], predictions: list[Outcome], odds: object = None) -> Evaluation:
    """Return an evaluation of three targets with these answers."""
    return Evaluation(
        rows=list(range(len(truth))), columns={}, truth=truth, predictions=predictions,
        probabilities=odds, targets=TARGETS,  # type: ignore[arg-type]
    )  # fmt: skip


def rows_of(values: np.ndarray) -> list[Outcome]:
    """Return values (rows, targets) as the truth of rows."""
    return list(map(tuple, values.tolist()))


def labels(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the truth, predictions and probabilities (rows, labels) of labels, with ties."""
    random = np.random.default_rng(seed)
    truth = random.random((80, 3)) < [0.5, 0.3, 0.2]
    odds = (0.6 * random.random(truth.shape) + 0.4 * truth).round(1)
    return truth, odds >= 0.5, odds


def test_scores_of_several_numbers_are_uniform_averages() -> None:
    """Each metric is the mean over the targets, and that of one target where it is asked for."""
    random = np.random.default_rng(0)
    truth = random.normal(size=(60, 3)) * [1, 10, 100]
    predictions = truth + random.normal(size=(60, 3))
    answered = evaluation(rows_of(truth), rows_of(predictions))
    answered.metrics = ["rmse(b)", "mape", "mape(a)", "pinball(0.9)"]
    for place, drawn in enumerate(next(weights(60))[:3]):
        rows = np.repeat(np.arange(60), drawn)
        t, p = truth[rows], predictions[rows]
        scores = scorer(answered, None)(next(weights(60))[:3])
        assert {name: values[place] for name, values in scores.items()} == pytest.approx(
            {
                "r2": metrics.r2_score(t, p),
                "rmse": metrics.root_mean_squared_error(t, p),
                "mae": metrics.mean_absolute_error(t, p),
                "median_absolute_error": metrics.median_absolute_error(t, p),
                "mape": metrics.mean_absolute_percentage_error(t, p),
                "pinball(0.9)": metrics.mean_pinball_loss(t, p, alpha=0.9),
                "rmse(b)": metrics.root_mean_squared_error(t[:, 1], p[:, 1]),
                "mape(a)": metrics.mean_absolute_percentage_error(t[:, 0], p[:, 0]),
            }
        )


def test_scores_of_several_labels_are_those_of_scikit_learn() -> None:
    """Of labels the averages are scikit-learn's, and accuracy counts rows right in all of them."""
    truth, predicted, odds = labels()
    answered = evaluation(rows_of(truth), rows_of(predicted), odds.tolist())
    answered.metrics = ["recall(c)", "precision", "accuracy(b)"]
    scores = score(answered, list(TARGETS))
    expected = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "f1_macro": metrics.f1_score(truth, predicted, average="macro"),
        "f1_micro": metrics.f1_score(truth, predicted, average="micro"),
        "hamming_loss": metrics.hamming_loss(truth, predicted),
        "roc_auc": metrics.roc_auc_score(truth, odds, average="macro"),
        "average_precision": metrics.average_precision_score(truth, odds, average="macro"),
        "precision": metrics.precision_score(truth, predicted, average="macro"),
        "recall(c)": metrics.recall_score(truth[:, 2], predicted[:, 2]),
        "accuracy(b)": metrics.accuracy_score(truth[:, 1], predicted[:, 1]),
        "brier": np.mean([metrics.brier_score_loss(truth[:, n], odds[:, n]) for n in range(3)]),
        "mcc": np.mean([metrics.matthews_corrcoef(truth[:, n], predicted[:, n]) for n in range(3)]),
    }
    assert {name: scores[name] for name in expected} == pytest.approx(expected)
    assert {*scores} - {*expected} == {"balanced_accuracy", "log_loss"}


def test_permutation_of_labels_tells_a_real_drop_from_chance() -> None:
    """A model that lost one label for good is worse beyond chance; its own answers are not."""
    truth, predicted, _ = labels()
    lost = predicted.copy()
    lost[:, 0] = ~truth[:, 0]
    before, after = (evaluation(rows_of(truth), rows_of(values)) for values in (predicted, lost))
    same = permutation(before, before, TARGETS)
    worse = permutation(after, before, TARGETS)
    assert {*same.values()} == {1.0}
    for name in ("accuracy", "f1_macro", "f1_micro", "hamming_loss"):
        assert worse[name] < 0.001, name


def test_one_target_is_the_case_of_one_column() -> None:
    """Truth with and without several targets is read by the same function."""
    assert by_target([1.0, 2.0]) == [(1.0, 2.0)]
    assert by_target([(1.0, True), (2.0, False)]) == [(1.0, 2.0), (True, False)]


def test_examples_of_several_targets_are_compared_by_name() -> None:
    """A recorded answer is met by the same targets, each equal or within the tolerance."""
    prediction = named(["a", "b"], (1.5, 2.0))
    example = msgspec.convert({"features": {}, "prediction": prediction}, Example)
    assert example.is_answered_by({"b": 2.0, "a": 1.5 + 1e-9})
    assert not example.is_answered_by({"a": 1.5, "b": 2.1})
    assert not example.is_answered_by({"a": 1.5})
    assert not example.is_answered_by([1.5, 2.0])
    tagged = Example(features={}, prediction={"a": True, "b": False})
    assert tagged.is_answered_by({"a": True, "b": False})
    assert not tagged.is_answered_by({"a": 1, "b": 0})
