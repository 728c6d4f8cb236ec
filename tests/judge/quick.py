"""Bundles that hold what the judge reads and nothing else, so that hundreds can be judged.

Rows, answers, metrics and seed noise are those of a real training; the model itself is not
exported, for a judge never runs it: where it must answer other rows, the estimator here does.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from contract.bundle import (
    SCHEMA_VERSION,
    Bundle,
    Data,
    Gate,
    Kind,
    Manifest,
    Metrics,
    Serving,
    Split,
    Value,
)
from contract.evaluation.fingerprints import places
from contract.spec.gate import ImageRules, Policy, Rules, SegmentRules
from contract.spec.model_toml import ModelSpec
from contract.spec.source import DataSource
from judge.comparison.compared_answers import Answer
from judge.judge import PublishedModel, judge
from judge.report import Report
from tests.support.models.shop import record_of
from train.data.dataset import Dataset, schema
from train.data.split import split
from train.fit import evaluate
from train.fit.seed_scores import seed_scores
from train.steps import evaluation_files
from train.steps.evaluation_files import Parts
from train.steps.fit import other_fits

IMAGE = ImageRules(1.25, 2.0)


def policy(drops: dict[str, float], segments: dict[str, dict[str, float]] | None = None) -> Policy:
    """Return a gate that allows these drops, and these in each segment of a column."""
    rules = tuple(SegmentRules(c, Rules((), d), 10) for c, d in (segments or {}).items())
    return Policy(Rules((), drops), rules, IMAGE)


class Table(NamedTuple):
    """Rows to learn from; `others` are columns that the model does not see."""

    X: pd.DataFrame
    y: np.ndarray
    others: dict[str, list[Value]] = {}  # noqa: RUF012 - never written to


class Quick(NamedTuple):
    """A trained model: its bundle, and the estimator that answers for it."""

    bundle: Bundle
    estimator: Any

    def ask(self, rows: list[dict[str, Value]]) -> Answer:
        """Return the estimator's answers to rows."""
        X = pd.DataFrame(rows, columns=[column.name for column in self.bundle.manifest.inputs])
        answers = evaluate.answer(self.estimator, X)
        probabilities = answers.probabilities
        return (
            answers.predictions.tolist(),
            None if probabilities is None else probabilities.tolist(),
        )

    def against(self, old: Quick, policy: Policy) -> Report:
        """Judge this model by the other one."""
        published = PublishedModel(
            old.bundle, "sha256:old", "layout:main", old.ask, record_of(old.bundle)
        )
        return judge(self.bundle, published, policy).report


def spec_of(table: Table, seed: int, policy: Policy) -> ModelSpec:
    """Return the model.toml of a table, without a folder."""
    kinds: dict[str, Kind] = {
        str(name): "categorical" if values.dtype == object else "numeric"
        for name, values in table.X.items()
    }
    return ModelSpec(
        folder=Path(), name="quick", description="", task=task(table), target="y",
        data=DataSource("", None, ()), inputs=kinds, folds=2, seeds=5, study=None,
        split=Split(method="random", test_size=0.25, seed=seed),
        gate=policy, columns_kept=(), serving=Serving(),
    )  # fmt: skip


def task(table: Table) -> Any:
    """Return the task that fits the target of a table."""
    return "regression" if table.y.dtype.kind == "f" else "classification"


def train(
    table: Table, estimator: Any, policy: Policy, *, seed: int = 0, spoil: Any = None
) -> Quick:
    """Split, fit, answer and measure the noise; `spoil` changes the training rows alone."""
    spec = spec_of(table, seed, policy)
    by_name = table.X.sort_index(axis=1)
    sha256 = str(pd.util.hash_pandas_object(by_name).sum())
    rows = np.arange(len(table.y))
    learn, holdout = split(spec, Dataset(table.X, table.y, rows, sha256, 0, table.others))
    if spoil:
        learn = spoil(learn, np.random.default_rng(seed))
    fitted = estimator.fit(learn.X, learn.y)
    answers = evaluate.answer(fitted, holdout.X)
    classes = evaluate.classes(spec, fitted)
    others = [evaluate.answer(other, holdout.X) for other in other_fits(fitted, learn, spec.seeds)]
    evaluation = evaluate.evaluation(spec, holdout, answers)
    metrics = Metrics(
        holdout=evaluate.score(holdout, answers, classes),
        cross_validation={},
        seed_scores=seed_scores(spec, evaluation, others, classes),
    )
    manifest = Manifest(
        schema_version=SCHEMA_VERSION, name="quick", version="0", revision="", description="",
        task=spec.task, target="y", estimator=str(estimator), runtime="joblib", runtime_reason="",
        parity=None,
        data=Data(source="", sha256=sha256, rows=len(rows), train_rows=len(learn.y),
                  holdout_rows=len(holdout.y)),
        split=spec.split, inputs=schema(spec, learn.X),
        classes=classes, libraries={}, metrics=metrics,
        gate=Gate(passed=True, checks=[]), serving=Serving(), files={},
    )  # fmt: skip
    folder = Path(tempfile.mkdtemp(), "bundle")
    evaluation.fingerprints = places(sha256.encode(), evaluation.rows)
    evaluation_files.write(folder, manifest, evaluation, Parts(learn, holdout))
    return Quick(Bundle(folder, manifest, []), fitted)
