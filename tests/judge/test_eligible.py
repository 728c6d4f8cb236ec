"""Where data or split changed, models are compared on rows that are new to both of them."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from contract.bundle import Serving, Split
from contract.evaluation.evaluation import read
from contract.spec.gate import Policy, Rules, Threshold
from judge.judge import PublishedModel, judge
from judge.render.sentences import worded
from tests.judge.quick import IMAGE, Quick, train
from tests.judge.rates import DEFAULT, flowers, forest, grown, line
from tests.support.models.shop import record_of

pytestmark = pytest.mark.slow  # trains models


def held_out_by_both(new: Quick, old: Quick) -> int:
    """Count the rows that both models hold out."""
    before = {str(row) for row in read(old.bundle).features}
    return sum(str(row) in before for row in read(new.bundle).features)


def test_rows_that_the_published_model_was_trained_on_are_left_out() -> None:
    """Rows that the published model was trained on are not compared, as it knows them by heart."""
    old = train(flowers(1), forest(20)(0), DEFAULT)
    new = train(grown(1), forest(20)(1), DEFAULT)
    report = new.against(old, DEFAULT)
    held = read(new.bundle)
    added = sum(row >= 600 for row in held.rows)
    assert report.rows == 165
    assert report.compared == added + held_out_by_both(new, old)
    left_out = f"{report.compared} of the 165 new held-out rows (left out: {165 - report.compared}"
    assert f"{left_out} it was trained on)" in report.note
    assert report.verdict == "passed"
    known = [row < 600 for row in held.rows]
    answers, _ = old.ask(held.features)
    right = np.array(answers) == np.array(held.truth)
    by_heart = right[known].mean()
    score = next(score for score in report.scores if score.metric == "accuracy")
    assert score.old is not None
    assert by_heart > score.old + 0.05
    assert score.whole == new.bundle.manifest.metrics.holdout["accuracy"]


def test_drop_is_not_judged_where_too_few_rows_are_new() -> None:
    """If too few held-out rows are new, only the thresholds count, and the report warns."""
    rules = Rules((Threshold("accuracy", "min", 0.99),), {"accuracy": 0.0})
    policy = Policy(rules, (), IMAGE)
    old = train(flowers(1, 120), forest(20)(0), policy)
    new = train(grown(1, 120, 8), line(), policy)
    report = new.against(old, policy)
    bound, drop, _ = report.checks
    assert (bound.passed, drop.passed) == (False, True)
    assert "not judged" in worded(drop).found
    assert {score.direction for score in report.scores} == {"unknown"}
    assert any("was trained on" in warning and "of the 32 held-out rows" in warning
               for warning in report.warnings)  # fmt: skip


def test_model_that_does_not_say_what_it_was_trained_on_is_a_warning() -> None:
    """If nothing says what a model was trained on, all rows are compared, and no drop is judged."""
    old = train(flowers(1), line(), DEFAULT)
    silent = msgspec.structs.replace(record_of(old.bundle), trained=b"")
    published = PublishedModel(old.bundle, "sha256:old", "layout:main", old.ask, silent)
    report = judge(train(grown(1), line(), DEFAULT).bundle, published, DEFAULT).report
    assert report.compared == report.rows
    assert any("says which rows it was trained on" in warning for warning in report.warnings)
    assert {score.direction for score in report.scores} == {"unknown"}


HASH = Split(method="hash", test_size=0.25)


@pytest.mark.daily(2)
@pytest.mark.parametrize(
    ("new_rule", "old_rule", "layout", "apart"),
    [
        (HASH, HASH, "", True),
        (HASH, HASH, "another column", False),
        (HASH, Split(method="hash", test_size=0.1), "", False),
        (HASH, Split(method="hash", test_size=0.25, seed=1), "", False),
        (Split(method="given", column="side"), Split(method="given", column="side"), "", True),
        (Split(method="time", column="day", cut="2024"), Split(method="time", column="day",
                                                               cut="2024"), "", True),
        (Split(method="random", test_size=0.25), Split(method="random", test_size=0.25), "", False),
    ],
)  # fmt: skip
def test_split_by_the_row_itself_needs_no_record_of_training_rows(
    new_rule: Split,
    old_rule: Split,
    layout: str,
    apart: bool,  # noqa: FBT001 - a parameter of the cases
) -> None:
    """What a hash, a word or a time of the row holds out was never trained on by the same rule."""
    old, new = train(flowers(1, 300), line(), DEFAULT), train(grown(1, 300), line(), DEFAULT)
    old.bundle.manifest.split, new.bundle.manifest.split = old_rule, new_rule
    new.bundle.manifest.data.layout = layout
    published = PublishedModel(old.bundle, "sha256:old", "layout:main", old.ask)
    report = judge(new.bundle, published, DEFAULT).report
    assert ({score.direction for score in report.scores} != {"unknown"}) == apart


def test_equal_rows_are_not_taken_for_known_ones() -> None:
    """In a table with many equal rows, a row equal to a training row still counts as new."""
    few = flowers(1)._replace(X=flowers(1).X.round(0))
    more = grown(1)
    old = train(few, line(), DEFAULT)
    report = train(more._replace(X=more.X.round(0)), line(), DEFAULT).against(old, DEFAULT)
    assert report.compared == report.rows
    assert any("Equal rows are so common" in warning for warning in report.warnings)


GROUPS = Split(method="group", column="region", test_size=0.25)
TIMES = Split(method="time", column="day", test_size=0.25)


@pytest.mark.daily(3)
@pytest.mark.parametrize(
    ("new_rule", "old_rule", "judged"),
    [
        (GROUPS, GROUPS, True),
        (GROUPS, Split(method="group", column="region", test_size=0.4), True),
        (GROUPS, Split(method="group", column="region", test_size=0.1), False),
        (GROUPS, Split(method="group", column="region", test_size=0.25, seed=1), False),
        (GROUPS, Split(method="hash", test_size=0.25), False),
        (TIMES, Split(method="time", column="day", cut="2024-01-01"), True),
        (TIMES, Split(method="random", test_size=0.25), False),
        (Split(method="hash", test_size=0.25), GROUPS, True),
    ],
)
def test_model_that_knows_the_groups_or_the_future_fails_no_new_one(
    new_rule: Split,
    old_rule: Split,
    judged: bool,  # noqa: FBT001 - a parameter of the cases
) -> None:
    """What was split by neither may have learnt from its neighbours, so no drop is judged."""
    old = train(flowers(1, 300), line(), DEFAULT)
    new = train(grown(1, 300), line(), DEFAULT)
    old.bundle.manifest.split, new.bundle.manifest.split = old_rule, new_rule
    report = new.against(old, DEFAULT)
    warned = any("The published model was not split by" in warning for warning in report.warnings)
    assert warned != judged
    assert ({score.direction for score in report.scores} == {"unknown"}) != judged


@pytest.mark.nightly
def test_rows_that_the_published_model_refuses_are_left_out() -> None:
    """Rows with a value that the published model refuses are not compared."""
    old = train(flowers(1), line(), DEFAULT)
    old.bundle.manifest.serving = Serving(out_of_range="reject")
    far = flowers(2)
    far.X.loc[:99, "length"] += 100
    new = train(far, line(), DEFAULT)
    report = new.against(old, DEFAULT)
    refused = (np.array(read(new.bundle).column("length")) > 50).sum()
    assert 0 < refused <= report.rows - report.compared
    assert "it refuses" in report.note


@pytest.mark.nightly
def test_model_that_refuses_every_row_is_not_compared() -> None:
    """Then there is nothing to compare, and the report says why."""
    old = train(flowers(1), line(), DEFAULT)
    for column in old.bundle.manifest.inputs:
        column.maximum = column.minimum
    old.bundle.manifest.serving = Serving(out_of_range="reject")
    new = train(flowers(2), line(), DEFAULT)
    report = new.against(old, DEFAULT)
    assert report.compared == 0
    assert "No comparison: it refuses every new row" in report.note
