"""The study costs no more than model.toml allows, whatever the table is."""

from __future__ import annotations

from collections import Counter
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from msgspec.structs import replace
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from contract import bundle
from contract.evaluation import evaluation
from contract.spec.model_toml import ModelSpec
from tests.support.models.folder import Folder, default_toml, two_classes
from tests.support.models.train_here import train_here
from train.data.split import Part
from train.fit import weighting
from train.fit.budget import CURVE, LEAST, SMALLEST, budget
from train.steps.answers import shuffled_rows
from train.steps.fit import other_fits


def part(rows: int) -> Part:
    """Return rows of a number and a class; one row in 10,000 is of a rare class."""
    numbers = np.arange(rows)
    labels = np.where(numbers % 10_000 == 0, "rare", np.where(numbers % 2, "yes", "no"))
    X = pd.DataFrame({"x": numbers % 2 + numbers / rows})
    return Part(X, labels.astype(object), numbers, {})


@pytest.fixture
def spec(folder: Folder) -> ModelSpec:
    """A model with the default folds and seeds."""
    return replace(folder.write(two_classes()), folds=5)


def test_study_of_a_small_table_is_whole(spec: ModelSpec) -> None:
    """Nothing is left out where all fits together are cheap."""
    train = part(9_000)
    allowed = budget(spec, train)
    assert allowed.sample is train
    assert allowed.seeds == 5


@pytest.mark.parametrize(("rows", "study"), [(200_000, None), (400_000, None), (60_000, 90_000)])
def test_study_learns_from_no_more_rows_than_allowed(
    spec: ModelSpec, rows: int, study: int | None
) -> None:
    """All fits together learn from so many rows, but for a few of each rare class."""
    allowed = budget(replace(spec, study=study), part(rows))
    cost = len(allowed.sample.y) * (4 + CURVE) + rows * allowed.seeds
    limit = max(LEAST, rows) if study is None else study
    assert limit / 3 < cost <= limit + SMALLEST * (4 + CURVE)
    assert Counter(allowed.sample.y.tolist())["rare"] >= min(SMALLEST, rows // 10_000)
    assert (np.diff(allowed.sample.ids) > 0).all()


def test_larger_limit_allows_other_seeds(spec: ModelSpec) -> None:
    """Who wants seeds of a large table raises the limit."""
    train = part(60_000)
    assert budget(spec, train).seeds == 0
    assert budget(replace(spec, study=10**9), train).seeds == 5


def test_seed_that_plays_no_part_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second seed with equal answers ends the measurement; with others, all are fitted."""
    fit = Mock(side_effect=weighting.fit)
    monkeypatch.setattr(weighting, "fit", fit)
    train = part(200)
    same = LogisticRegression(random_state=0).fit(train.X, train.y)
    assert (other_fits(same, train, 5), fit.call_count) == ([], 1)
    for seed in (0, 1, 5):  # of its own, which is no other one
        chance = RandomForestClassifier(2, max_depth=1, random_state=seed).fit(train.X, train.y)
        seeds = [other.random_state for other in other_fits(chance, train, 5)]
        assert len({*seeds, seed}) == 6


def test_seed_of_a_tree_that_knows_its_rows_by_heart_is_not_taken_for_idle() -> None:
    """Full-grown trees answer their own rows alike, and others by the columns that chance chose."""
    rows = np.arange(300)
    X = pd.DataFrame({"x": rows * 37 % 101, "again": rows * 37 % 101 // 2, "odd": rows % 7})
    train = Part(X, np.where(rows % 5 < 2, "yes", "no").astype(object), rows, {})
    grown = DecisionTreeClassifier(random_state=0).fit(train.X, train.y)
    assert grown.score(train.X, train.y) == 1
    assert len(other_fits(grown, train, 5)) == 5


def test_importance_of_many_inputs_is_measured_on_fewer_rows(spec: ModelSpec) -> None:
    """As each input costs an answer with all inputs, their number counts twice."""

    def rows(inputs: int) -> int:
        """Return how many rows are shuffled, of 50,000."""
        return shuffled_rows(replace(spec, inputs=dict.fromkeys(map(str, range(inputs)))), 50_000)

    assert [rows(20), rows(1_000), rows(5_000)] == [2_000, 200, 0]


@pytest.mark.slow
def test_training_without_a_study_has_a_bundle(folder: Folder) -> None:
    """Folds, seeds and study may all be switched off."""
    toml = default_toml("x,y\n").replace("folds = 2", "folds = 0\nseeds = 0\nstudy = 0")
    train_here(folder.write(two_classes(), toml), folder.root / "out")
    read = bundle.read(folder.root / "out")
    assert read.manifest.metrics.cross_validation == {}
    assert read.manifest.metrics.seed_scores == []
    assert read.manifest.metrics.intervals
    assert evaluation.read(read).study is None
