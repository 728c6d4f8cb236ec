"""What only the estimator can tell: which inputs it leans on, and whether more rows would help."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.inspection import permutation_importance

from model.evaluation import Importance, Learning, Study
from model.spec import ModelSpec
from train import evaluate
from train.split import Part

SHARES = (0.1, 0.25, 0.5, 1.0)  # of the training rows
REPEATS = 5
ROWS = 2_000  # more judge an importance no better, and take their time
METRICS = {"classification": "accuracy", "regression": "r2"}


def study(spec: ModelSpec, fitted: Any, train: Part, holdout: Part) -> Study:
    """Measure both on the holdout rows, by the metric that is named."""
    metric = METRICS[spec.task]
    return Study(
        metric=metric,
        importance=importance(spec, fitted, holdout, metric),
        learning=learning(spec, fitted, train, holdout, metric),
    )


def importance(spec: ModelSpec, fitted: Any, holdout: Part, metric: str) -> list[Importance]:
    """Return how much is lost when the values of one input are shuffled, the most first."""
    found = permutation_importance(
        fitted, holdout.X[:ROWS], holdout.y[:ROWS], scoring=metric, n_repeats=REPEATS,
        random_state=spec.seed,
    )  # fmt: skip
    losses = [
        Importance(feature=name, mean=float(mean), std=float(std))
        for name, mean, std in zip(
            spec.inputs, found.importances_mean, found.importances_std, strict=True
        )
    ]
    return sorted(losses, key=lambda loss: -loss.mean)


def learning(
    spec: ModelSpec, fitted: Any, train: Part, holdout: Part, metric: str
) -> list[Learning]:
    """Return the holdout score after training on ever more rows, drawn at random."""
    order = np.random.default_rng(spec.seed).permutation(len(train.y))
    points = []
    for share in SHARES:
        rows = np.sort(order[: round(share * len(order))])
        y = train.y[rows]
        if spec.task == "classification" and len(set(y)) < len(set(train.y)):
            continue  # a class is missing from so few
        try:
            model = clone(fitted).fit(train.X.iloc[rows], y)
        except ValueError:
            continue  # so few do not suffice this estimator
        answers = evaluate.answer(model, holdout.X)
        scored = evaluate.score(holdout.y, answers, evaluate.classes(model))
        points.append(Learning(rows=len(rows), score=scored[metric]))
    return points
