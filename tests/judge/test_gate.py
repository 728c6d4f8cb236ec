"""The gate is tested as the models are: what is worse is caught, what is equal passes."""

from __future__ import annotations

import re
from math import nan

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, RidgeClassifier

from contract.bundle import Bundle, Where
from contract.evaluation.evaluation import read
from contract.spec.gate import Policy, Rules, Threshold
from judge.gate import check_rules
from judge.judge import PublishedModel, judge
from judge.render.sentences import headline, worded
from judge.report import Report, Score
from tests.judge import rates
from tests.judge.quick import IMAGE, Table, policy, train
from tests.support.models.shop import FOREST, LOGISTIC, STUMP, Shop, flowers, record_of
from train.data.split import Part
from train.steps import evaluation_files
from train.steps.evaluation_files import Parts

pytestmark = pytest.mark.slow  # trains models

SEEDS = 20
ALONE = Score(
    metric="roc_auc", higher_is_better=True, whole=0.9, new=0.9, new_low=0.8, new_high=1.0
)


def failed(report: Report) -> list[str]:
    """Return what the failed checks are of."""
    return [worded(check).what for check in report.checks if not check.passed]


def test_gate_refuses_a_degraded_model(shop: Shop, good: Bundle) -> None:
    """A stump in place of a fitting model fails on both metrics, by the test that is named."""
    report = shop.judge(shop.train(flowers(), STUMP), good)
    assert report.verdict == "failed"
    assert failed(report) == ["accuracy", "log_loss"]
    found_by_check = {worded(check).what: worded(check).found for check in report.checks}
    assert re.fullmatch(
        r"0\.\d+ → 0\.\d+: -0\.\d+ \(-0\.\d+ to -0\.\d+\), McNemar, exact p = .*: more than chance",
        found_by_check["accuracy"],
    )
    assert "paired bootstrap" in found_by_check["log_loss"]


@pytest.mark.nightly
def test_gate_is_on_a_class_like_on_anything_else(shop: Shop, good: Bundle) -> None:
    """A class's recall is the headline, has an interval, is held to a segment, and may not drop."""
    gate = (
        'recall = [{ class = "b", min = 0.6, drop = 0.01 }, { class = "a", min = 0.5 }]\n'
        "average_precision = { min = 0.5, drop = 0.01 }\nbrier = { max = 0.9, drop = 0.01 }\n"
        '[gate.segments.region]\nprecision = { class = "c", min = 0.1 }\n'
    )
    new = shop.train(flowers(), STUMP, gate)
    report = shop.judge(new, good)
    assert failed(report)[:2] == ["recall(b)", "recall(b)"]
    assert {"average_precision", "brier"} < {*failed(report)}
    measured = new.manifest.metrics
    assert {"recall(b)", "recall(a)"} < {*measured.intervals} & {*measured.cross_validation}
    dropped = next(score for score in report.scores if score.metric == "recall(b)")
    assert (dropped.direction, dropped.test) == ("worse", "paired permutation")
    assert report.scores[0].metric == "recall(b)"
    study = read(new).study
    assert study is not None
    assert (study.metric, len(study.learning)) == ("recall(b)", 4)
    held = {score.metric for segment in report.segments for score in segment.scores}
    assert held == {"precision(c)"}


def test_gate_passes_a_better_model_and_says_so(shop: Shop, good: Bundle) -> None:
    """The verdict names the metrics that rose beyond chance."""
    report = shop.judge(good, shop.train(flowers(), STUMP))
    assert report.verdict == "passed"
    assert "better in accuracy" in headline(report)


def test_gate_passes_an_equal_model(shop: Shop, good: Bundle) -> None:
    """The same training again has the same answers and passes."""
    report = shop.judge(shop.train(flowers(), LOGISTIC), good)
    assert report.verdict == "passed"
    assert report.changes is not None
    assert report.changes.count == 0
    assert "the same answers as the published model" in headline(report)


@pytest.mark.nightly  # 40 judgements
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("recipe", ["forest of 20", "network"])
def test_gate_raises_no_alarm_over_seeds(recipe: str) -> None:
    """Pairs that differ in their seed alone all pass, though their rule allows no drop at all."""
    rules = {"no drop allowed": rates.STRICT}
    (line,) = rates.reseeded("made", rates.flowers, rates.RECIPES[recipe], SEEDS, rules)
    assert line.flagged == 0


@pytest.mark.nightly  # as above
def test_gate_misses_no_model_that_is_much_worse() -> None:
    """A forest whose training labels were shuffled, most of them, is caught every time."""
    outcomes = [rates.degraded(pair, rates.forest(20), 0.7) for pair in range(SEEDS)]
    assert [caught for _, caught in outcomes] == [True] * SEEDS


@pytest.mark.nightly
def test_gate_raises_no_alarm_over_fresh_rows(shop: Shop, good: Bundle) -> None:
    """A model retrained on other rows of the same kind passes, and no shift is seen."""
    report = shop.judge(shop.train(flowers(seed=11), LOGISTIC), good)
    assert report.verdict == "passed", headline(report)
    assert [drift.feature for drift in report.drift if drift.shifted] == []


def test_gate_names_a_shifted_column(shop: Shop, good: Bundle) -> None:
    """A data file whose one column moved is a warning with the name of that column."""
    report = shop.judge(shop.train(flowers(seed=1, shift=1.0), LOGISTIC), good)
    assert [drift.feature for drift in report.drift if drift.shifted] == ["length"]
    assert any("shifted since the published model in length" in x for x in report.warnings)


def test_gate_asks_the_published_model_about_new_rows(shop: Shop, good: Bundle) -> None:
    """If the data changed, the published model answers the new rows, and the note says so."""
    report = shop.judge(shop.train(flowers(seed=2), LOGISTIC), good)
    old = next(score.old for score in report.scores if score.metric == "accuracy")
    assert old != good.manifest.metrics.holdout["accuracy"]
    assert "Data changed: it answered the 240 new held-out rows again." in report.note


def test_gate_warns_of_a_label_leak(shop: Shop) -> None:
    """A perfect held-out score is questioned, and the column that gives it away is named."""
    header, *lines = flowers().splitlines()
    leaking = [f"{'abc'.index(line[-1])}.5,{line}" for line in lines]
    csv = "\n".join([f"code,{header}", *leaking]) + "\n"
    report = shop.judge(shop.train(csv, LOGISTIC, inputs="code length width noise"), None)
    assert report.verdict == "passed"
    (warning,) = report.warnings
    assert "A perfect held-out accuracy (1)" in warning
    assert warning.endswith("code alone tells the target.")


SEGMENTED = """\
accuracy = { min = 0.5, drop = 0.05 }
[gate.segments.region]
accuracy = { min = 0.6, drop = 0.05 }
"""
# Right everywhere but in the west, where it answers at random; trained on three inputs.
BLIND_IN_THE_WEST = '''
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression


class Blind(ClassifierMixin, BaseEstimator):
    """Ignores what it has learned where the noise is high."""

    def fit(self, X, y):
        self.inner_ = LogisticRegression().fit(X.iloc[:, :2], y)
        self.classes_ = self.inner_.classes_
        self.n_features_in_ = X.shape[1]
        return self

    def predict_proba(self, X):
        odds = self.inner_.predict_proba(X.iloc[:, :2])
        west = X["noise"].to_numpy() > 2
        odds[west] = np.roll(odds[west], 1, axis=1)
        return odds

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def build():
    return Blind()
'''


def western(rows: int = 600) -> str:
    """Return flowers whose noise tells the west."""
    header, *lines = flowers(rows).splitlines()
    cells = [line.split(",") for line in lines]
    for cell in cells:
        cell[2] = "3" if cell[3] == "west" else "0"
    return "\n".join([header, *map(",".join, cells)]) + "\n"


def test_gate_finds_a_worse_segment_behind_a_passing_average(shop: Shop) -> None:
    """The average is within what is allowed; one region is not, and is the one that is named."""
    gate = SEGMENTED.replace("drop = 0.05 }\n[", "drop = 0.5 }\n[")
    old = shop.train(western(), LOGISTIC, gate)
    new = shop.train(western(), BLIND_IN_THE_WEST, gate)
    report = shop.judge(new, old)
    assert failed(report) == ["accuracy where region is west"] * 2
    assert {segment.where.value: segment.gated for segment in report.segments} == {
        "north": True,
        "south": True,
        "west": True,
    }


@pytest.mark.daily(1)
@pytest.mark.parametrize("column", ["kind", "noise"])
def test_segments_may_be_classes_or_ranges(shop: Shop, column: str) -> None:
    """The target and a measured number are columns of the data too."""
    gate = SEGMENTED.replace("region", column)
    report = shop.judge(shop.train(flowers(), LOGISTIC, gate), None)
    names = [check for check in report.checks if f"where {column} is" in worded(check).what]
    assert len(names) == {"kind": 3, "noise": 4}[column]


def test_small_segments_are_shown_and_not_gated(shop: Shop) -> None:
    """A segment with fewer rows than model.toml asks for is shown, but not checked."""
    gate = SEGMENTED + "rows = 60\n"
    report = shop.judge(shop.train(flowers(), STUMP, gate), None)
    assert {s.where.value: s.gated for s in report.segments} == {
        "north": True,
        "south": True,
        "west": False,
    }


def test_gate_without_a_published_model_has_its_thresholds(shop: Shop) -> None:
    """The first model is held to its bounds alone, and the report says why."""
    report = shop.judge(shop.train(flowers(), STUMP, "accuracy = { min = 0.9, drop = 0 }\n"), None)
    assert failed(report) == ["accuracy"]
    assert report.note == "Nothing is published yet: absolute thresholds only."


def test_gate_that_was_loosened_is_pointed_out(shop: Shop, good: Bundle) -> None:
    """A lowered threshold is allowed, with a warning."""
    new = shop.train(flowers(), LOGISTIC, "accuracy = { min = 0.4 }\n")
    assert shop.judge(new, good).warnings == [
        "The gate on accuracy was loosened from 0.5 to 0.4.",
        "The gate no longer bounds log_loss (it was 2).",
    ]


def test_published_model_that_needs_a_lost_column_fails_with_the_cure(
    shop: Shop, good: Bundle
) -> None:
    """If new data lacks an input of the published model, the gate fails and names the cure."""
    gate = "accuracy = { min = 0.5, drop = 0.01 }\n"
    lost = shop.train(flowers(seed=3), LOGISTIC, gate, inputs="length width")
    report = shop.judge(lost, good)
    assert failed(report) == ["baseline"]
    assert 'write columns = ["noise"] under [evaluate]' in worded(report.checks[0]).found


def test_model_of_another_target_is_not_compared(shop: Shop, good: Bundle) -> None:
    """A published model of another target is not compared, and the report says so."""
    other = shop.train(flowers(), LOGISTIC)
    other.manifest.target = "colour"
    report = shop.judge(other, good)
    assert report.scores[0].old is None
    assert "No comparison: it predicts kind" in report.note


@pytest.mark.nightly
def test_noise_of_a_new_model_does_not_hide_its_drop(shop: Shop, good: Bundle) -> None:
    """A model that differs much from seed to seed is still refused for a drop on average."""
    calm = shop.train(flowers(), FOREST.format(seed=0))
    wild = shop.train(flowers(), FOREST.replace("n_estimators=20", "n_estimators=1").format(seed=0))
    spread = [
        np.ptp(seeds.scores)
        for model in (wild, calm)
        for seeds in model.manifest.metrics.seed_scores
        if seeds.metric == "log_loss"
    ]
    assert spread[0] > spread[1] * 3
    assert "log_loss" in failed(shop.judge(wild, calm))
    assert "log_loss" in failed(shop.judge(wild, good))


def test_noise_of_a_segment_is_its_own() -> None:
    """Each segment's drop is averaged over the scores that other seeds have in that segment."""
    old, new = (train(rates.flowers(0), rates.tree(seed), rates.REGIONAL) for seed in (0, 1))
    report = new.against(old, rates.REGIONAL)
    luck = {(seeds.metric, seeds.where): seeds.scores[0] - np.mean(seeds.scores)
            for seeds in new.bundle.manifest.metrics.seed_scores}  # fmt: skip
    lost = {(seeds.metric, seeds.where): seeds.scores[0] - np.mean(seeds.scores)
            for seeds in old.bundle.manifest.metrics.seed_scores}  # fmt: skip
    assert len(report.segments) == 3
    for segment in report.segments:
        (score,) = segment.scores
        assert score.difference is not None
        key = "accuracy", segment.where
        assert score.averaged == pytest.approx(score.difference - luck[key] + lost[key])


ABSENT = "does not exist in this segment"


def test_bound_on_a_metric_that_there_is_not_fails() -> None:
    """A bound on log_loss fails for a model without probabilities."""
    rules = Rules((Threshold("log_loss", "max", 0.5),), {})
    (check,) = check_rules(rules, [], None)
    assert (worded(check), check.passed) == (("log_loss", "at most 0.5", "none"), False)


def test_bound_on_a_metric_that_a_segment_has_not_is_left_out_and_said() -> None:
    """Rows of one class have no ROC curve: that is no fault, and nobody takes it for a proof."""
    rules = Rules((Threshold("roc_auc", "min", 0.5),), {})
    (check,) = check_rules(rules, [], Where("kind", "a"))
    expected = "roc_auc where kind is a", "at least 0.5", ABSENT
    assert (worded(check), check.passed) == (expected, True)


def test_drop_of_a_metric_that_there_is_not_fails() -> None:
    """The rule for a drop fails if the metric does not exist, and the check says so."""
    rules = Rules((), {"r2": 0.1})
    (check,) = check_rules(rules, [], None)
    assert (worded(check), check.passed) == (("r2", "measured on the holdout", "none"), False)
    assert check_rules(rules, [], Where("a", "b")) == []  # nothing is published


def test_drop_that_only_the_rows_of_both_models_lack_fails() -> None:
    """The rule for a drop fails if the metric exists on all rows but not on the compared ones."""
    rules = Rules((), {"roc_auc": 0.1})
    (check,) = check_rules(rules, [ALONE], None, {"roc_auc"})
    rule = "measured on the rows that both models answer"
    assert (worded(check), check.passed) == (("roc_auc", rule, "none"), False)


@pytest.mark.parametrize(
    ("scores", "where", "expected"),
    [
        ([ALONE], None, "nothing of the published model to compare with"),
        ([ALONE], Where("kind", "a"), "not compared in this segment"),
        ([], Where("kind", "a"), ABSENT),
    ],
)
def test_drop_that_nothing_measures_is_left_out_and_said(
    scores: list[Score], where: Where | None, expected: str
) -> None:
    """A rule never disappears: where nothing can be held against the model, the report says it."""
    (check,) = check_rules(Rules((), {"roc_auc": 0.1}), scores, where, {"accuracy"})
    assert (worded(check).found, check.passed) == (expected, True)


def numbers(seed: int) -> Table:
    """Return a line through two numbers, with noise."""
    random = np.random.default_rng(seed)
    X = pd.DataFrame(random.normal(size=(400, 2)), columns=["length", "width"])
    return Table(X, X.sum(axis=1).to_numpy() + random.normal(size=400) / 4)


def test_drop_of_a_metric_that_is_none_on_the_holdout_fails_the_model() -> None:
    """Where the truth does not vary there is no r2, so none that has not fallen."""
    allowed = policy({"r2": 0.1})
    old, new = (train(numbers(0), LinearRegression(), allowed) for _ in range(2))
    for model in (old, new):
        held = read(model.bundle)
        held.truth = [1.0 for _ in held.truth]
        rows = Part(pd.DataFrame(held.columns), np.array(held.truth), np.array(held.rows), {})
        parts = Parts(rows.take(np.array([], int)), rows)
        evaluation_files.write(model.bundle.path, model.bundle.manifest, held, parts)
    report = new.against(old, allowed)
    assert report.verdict == "failed"
    assert headline(report) == "❌ quick: failed: r2 must be measured on the holdout, is none"


def test_drop_from_answers_that_are_no_numbers_fails_and_the_bound_holds() -> None:
    """What the published model fails to answer is not said of the new model's own score."""
    rules = Rules((Threshold("rmse", "max", 1),), {"rmse": 0.1})
    held = Policy(rules, (), IMAGE)
    old, new = (train(numbers(seed), LinearRegression(), held) for seed in (0, 1))
    broken = PublishedModel(
        old.bundle,
        "sha256:old",
        "layout:main",
        lambda rows: ([nan] * len(rows), None),
        record_of(old.bundle),
    )
    bound, drop, _ = judge(new.bundle, broken, held).report.checks
    assert (bound.passed, drop.passed) == (True, False)
    assert worded(drop).rule == "measured on the rows that both models answer"


def test_drop_of_a_metric_that_the_published_model_never_had_is_said() -> None:
    """A ridge has no probabilities: the first model that has them is compared in labels alone."""
    allowed = policy({"log_loss": 0.1})
    old = train(rates.flowers(0), RidgeClassifier(), allowed)
    report = train(rates.flowers(0), rates.line(), allowed).against(old, allowed)
    assert report.verdict == "passed"
    (drop, _) = report.checks
    assert worded(drop).found == "nothing of the published model to compare with"


def test_metric_that_a_segment_has_not_is_said_in_the_report() -> None:
    """The rows of one class have no ROC curve, whatever model.toml asks of it there."""
    rows = rates.flowers(0)
    rows.others["kind"] = rows.y.tolist()
    allowed = policy({}, {"kind": {"roc_auc": 0.1}})
    old, new = (train(rows, rates.line(), allowed) for _ in range(2))
    *drops, _ = new.against(old, allowed).checks
    assert [worded(drop).what for drop in drops] == [f"roc_auc where kind is {k}" for k in "abc"]
    assert {worded(drop).found for drop in drops} == {ABSENT}


def test_note_says_which_drop_of_accuracy_the_rows_can_tell_from_chance() -> None:
    """Whoever allows less than that is told that so few rows cannot show it."""
    old, new = (train(rates.flowers(0), rates.line(), rates.DEFAULT) for _ in range(2))
    note = new.against(old, rates.DEFAULT).note
    expected = " On 150 rows, a drop of accuracy of 0.040 or more can be told from chance."
    assert note.endswith(expected)


def test_rule_of_a_segment_on_probabilities_that_there_are_none_of_is_said() -> None:
    """A ridge has other seeds and no probabilities: it is trained and judged all the same."""
    allowed = policy({}, {"region": {"roc_auc": 0.1}})
    old, new = (train(rates.flowers(0), RidgeClassifier(), allowed) for _ in range(2))
    *drops, _ = new.against(old, allowed).checks
    assert {worded(drop).found for drop in drops} == {ABSENT}
