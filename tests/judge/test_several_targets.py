"""Two models of several targets are compared, and the report shows each target."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from contract import bundle
from contract.bundle import Bundle
from contract.spec import model_toml
from judge.judge import Judgement, PublishedModel, judge
from judge.render.card import card
from judge.render.formats import formats
from ship.compare.published_answers import ask_graph
from tests.support.models.folder import Folder
from tests.support.models.shop import record_of
from tests.support.models.train_here import train_here
from tests.train.test_several_targets import table, write

GATES = {
    "numbers": "r2 = { min = 0, drop = 0.01 }\nmape = { max = 1e9 }\n",
    "labels": "f1_macro = { min = 0.1, drop = 0.01 }\naccuracy = { min = 0.1, drop = 0.01 }\n",
}
GOOD = {
    "numbers": "LinearRegression()",
    "labels": "MultiOutputClassifier(LogisticRegression())",
}
BAD = {
    "numbers": "KNeighborsRegressor(80)",
    "labels": "KNeighborsClassifier(90)",
}


def trained(root: Path, kind: str, estimator: str, seed: int = 0) -> Bundle:
    """Return the bundle of a model of two numbers or three labels."""
    path = root / f"{kind}{seed}{len(estimator)}" / "made"
    path.mkdir(parents=True)
    words = ("no", "yes") if kind == "labels" else None
    spec = write(Folder(path), table(words=words, seed=seed), estimator, GATES[kind])
    train_here(spec, path.parent / "bundle")
    return bundle.read(path.parent / "bundle")


def compared(new: Bundle, old: Bundle, *, recorded: bool = True) -> Judgement:
    """Judge a new model by an old one, whose answers are recorded or asked for again."""
    policy = model_toml.read("made", new.path.parent).gate
    ask, record = partial(ask_graph, old), record_of(old) if recorded else None
    return judge(new, PublishedModel(old, "sha256:old", "layout:main", ask, record), policy)


@pytest.mark.daily(1)
@pytest.mark.parametrize("kind", GATES)
def test_worse_model_of_several_targets_fails(tmp_path: Path, kind: str) -> None:
    """A drop beyond chance fails the gate, by the bootstrap of numbers, by swaps of labels."""
    good, bad = (trained(tmp_path, kind, estimators[kind]) for estimators in (GOOD, BAD))
    judgement = compared(bad, good)
    report = judgement.report
    assert report.verdict == "failed"
    assert report.scores[0].direction == "worse"
    tests = {score.metric: score.test for score in report.scores}
    expected = {"accuracy": "McNemar, exact", "f1_macro": "paired permutation"}
    assert kind == "numbers" or tests | expected == tests
    pages = formats(judgement)
    targets = good.manifest.targets
    assert all(name in pages["html"].decode() for name in targets)
    assert ", ".join(targets) in card(bad.manifest, "# Made\n", report.segments).decode()
    assert compared(good, good).report.verdict == "passed"


@pytest.mark.daily(1)
@pytest.mark.parametrize("kind", GATES)
def test_published_model_is_asked_again_where_data_changed(tmp_path: Path, kind: str) -> None:
    """Its graph answers the new rows as it answered its own; each target may have drifted."""
    old, new = (trained(tmp_path, kind, GOOD[kind], seed) for seed in (0, 1))
    report = compared(new, old).report
    assert "again" in report.note
    assert report.compared == report.rows
    assert {*old.manifest.targets} <= {drift.feature for drift in report.drift}
    again = compared(old, old, recorded=False).report
    assert again.changes is not None
    assert again.changes.count == 0
