"""Fit a model's estimator to its training rows and export it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone

from contract import claims
from contract.bundle import CrossValidation
from contract.claims import Claims
from contract.spec.model_toml import ModelSpec
from train.data import dataset
from train.data.split import Part
from train.export.export import export, export_like
from train.fit import cross_validation, estimator, evaluate, threshold, weighting
from train.fit.capture import listening
from train.fit.detector import detecting
from train.fit.learning_curve import learning
from train.log import Log, summary
from train.steps.rows import load_training


def run(spec: ModelSpec, rows: Path, out: Path, log: Log) -> None:
    """Fit to the training rows in the folder `rows`; write the model and its claims into `out`."""
    train, facts = load_training(rows)
    # An estimator whose random_state is None draws from these, and must repeat too.
    random.seed(spec.seed)
    np.random.seed(spec.seed)  # noqa: NPY002 - scikit-learn's own fallback
    model = estimator.build(spec)
    with listening(spec) as heard:
        weighting.request(spec, model)
        model = detecting(spec, threshold.decided(spec, model, train), facts.classes)
        folds = cross_validate(spec, model, train, log)
        fitted = estimator.unwrap(cross_validation.fit(spec, model, train))
        log("fit", estimator.describe(fitted))
        points = learning(spec, fitted, train)
        others = other_fits(spec, fitted, train)
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
        threshold=None if spec.serving.threshold is None else model.threshold,
    )
    claims.write(claimed, [exported.content, *variants], out)


def cross_validate(
    spec: ModelSpec, model: Any, train: Part, log: Log
) -> dict[str, CrossValidation]:
    """Score the folds, and log the means."""
    folds = cross_validation.cross_validate(spec, model, train)
    log("cross-val", f"{spec.folds} folds: {summary({k: v.mean for k, v in folds.items()})}")
    return folds


def other_fits(spec: ModelSpec, fitted: Any, train: Part) -> list[Any]:
    """Return fits that differ in nothing but the random seed.

    Empty for an estimator without a random_state, whose fits are always the same.
    """
    names = [name for name in fitted.get_params() if name.split("__")[-1] == "random_state"]
    if not names:
        return []
    return [
        weighting.fit(
            clone(fitted).set_params(**dict.fromkeys(names, seed)), train.X, train.y, train.weights
        )
        for seed in range(1, spec.seeds + 1)
    ]
