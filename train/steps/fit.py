"""Fit a model's estimator to its training rows and export it."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from contract import claims
from contract.bundle import CrossValidation
from contract.claims import Claims
from contract.spec.model_toml import ModelSpec
from train.data import dataset
from train.data.split import Part
from train.export.export import export, export_like
from train.fit import (
    backend,
    cross_validation,
    estimator,
    evaluate,
    model_package,
    threshold,
    weighting,
    wrappers,
)
from train.fit.adapted import adapted
from train.fit.budget import budget
from train.fit.capture import listening
from train.fit.detector import detecting
from train.fit.learning_curve import learning
from train.log import Log, summary
from train.steps.rows import load_training

SEEDS = ("random_state", "random_seed")  # what scikit-learn, and CatBoost, call a seed
ROWS = 10_000  # by whose answers it is told whether a seed plays a part


def run(spec: ModelSpec, rows: Path, out: Path, log: Log) -> None:
    """Fit to the training rows in the folder `rows`; write the model and its claims into `out`."""
    train, facts = load_training(rows)
    # An estimator whose random_state is None draws from these, and must repeat too.
    random.seed(spec.seed)
    np.random.seed(spec.seed)  # noqa: NPY002 - scikit-learn's own fallback
    model = estimator.build(spec)
    with listening(spec) as heard:
        weighting.request(spec, model)
        model = threshold.decided(spec, adapted(spec, model, train), train)
        model = detecting(spec, model, facts.classes)
        allowed = budget(spec, train)
        folds = cross_validate(spec, model, allowed.sample, log)
        fitted = wrappers.unwrap(cross_validation.fit(spec, model, train))
        log("fit", estimator.describe(fitted))
        points = learning(spec, fitted, allowed.sample)
        log("learning", f"fits to {', '.join(str(point.rows) for point in points) or 'no'} rows")
        others = other_fits(fitted, train, allowed.seeds)
        log("seeds", f"{len(others)} of {spec.seeds} fits with other seeds")
    for warning in heard:
        log("warning", warning)
    exported = export(spec, fitted, dataset.schema(spec, train.X), train)
    log("export", f"{exported.runtime}: {exported.reason}")
    variants = [export_like(exported, spec, other) for other in others]
    claimed = Claims(
        data_sha256=facts.sha256,
        estimator=estimator.describe(fitted),
        runtime=exported.runtime,
        runtime_reason=exported.reason,
        parity=exported.parity,
        classes=evaluate.classes(spec, fitted),
        cross_validation=folds,
        learning=points,
        seeds=len(variants),
        coded=exported.runtime == "joblib" and wrappers.is_coded(fitted),
        libraries=model_package.imported(spec),
        threshold=None if spec.serving.threshold is None else model.threshold,
    )
    claims.write(claimed, [exported.content, *variants], out)


def cross_validate(
    spec: ModelSpec, model: Any, train: Part, log: Log
) -> dict[str, CrossValidation]:
    """Score folds of rows, and log the means."""
    folds = cross_validation.cross_validate(spec, model, train)
    means = summary({name: score.mean for name, score in folds.items()})
    count = spec.folds if folds else 0
    log("cross-val", f"{count} folds of {len(train.y)} rows{means and f': {means}'}")
    return folds


def other_fits(fitted: Any, train: Part, count: int) -> list[Any]:
    """Return `count` fits that differ in nothing but the random seed.

    Empty for an estimator without a seed, and for one that answers the same with another.
    """
    own = {name: value for name, value in fitted.get_params().items()
           if name.split("__")[-1] in SEEDS}  # fmt: skip
    if not own:
        return []
    others = (seed for seed in itertools.count(1) if seed not in own.values())
    fits: list[Any] = []
    for seed in itertools.islice(others, count):
        other = clone(fitted).set_params(**dict.fromkeys(own, seed))
        fits.append(backend.fit(other, train.X, train.y, train.weights))
        if len(fits) == 1 and answers_alike(fitted, other, mixed(train.X[:ROWS])):
            return []
    return fits


def mixed(X: pd.DataFrame) -> pd.DataFrame:
    """Return the rows X (rows, inputs), each column in an order of its own.

    Fits that know the rows by heart, as full-grown trees do, answer these differently.
    """
    random = np.random.default_rng(0)
    columns = {name: X[name].array[random.permutation(len(X))] for name in X}
    return pd.DataFrame(columns)


def answers_alike(first: Any, second: Any, X: pd.DataFrame) -> bool:
    """Return whether two fits answer the rows X (rows, inputs) by exactly the same numbers."""
    answers, others = evaluate.answer(first, X), evaluate.answer(second, X)
    if not np.array_equal(answers.predictions, others.predictions):
        return False
    if answers.probabilities is None or others.probabilities is None:
        return True
    return np.array_equal(answers.probabilities, others.probabilities)
