"""What a metric becomes when nothing but the estimator's random seed changes.

Holdout rows can't show this, however they are resampled: two forests of different seeds differ by
more than the chance of the rows, and neither is worse.
"""

from __future__ import annotations

import math
from typing import Any

from sklearn.base import clone

from model.evaluation import Evaluation
from model.scores import score
from model.segments import called, part, segments
from model.spec import ModelSpec
from train import evaluate, examples
from train.split import Part


def seed_scores(spec: ModelSpec, fitted: Any, train: Part, holdout: Part) -> dict[str, list[float]]:
    """Return each metric of the fit itself, then of fits with other seeds; in gated segments too.

    Empty for an estimator without a random_state, which always comes out the same.
    """
    names = [name for name in fitted.get_params() if name.split("__")[-1] == "random_state"]
    if not names or not spec.seeds:
        return {}
    others = (
        clone(fitted).set_params(**dict.fromkeys(names, seed)).fit(train.X, train.y)
        for seed in range(1, spec.seeds + 1)
    )
    found = [scores(spec, each, holdout) for each in (fitted, *others)]
    return {
        name: values
        for name in found[0]
        if not any(map(math.isnan, values := [each[name] for each in found]))
    }


def scores(spec: ModelSpec, fitted: Any, holdout: Part) -> dict[str, float]:
    answers = examples.evaluation(holdout, evaluate.answer(fitted, holdout.X))
    labels = evaluate.classes(fitted)
    classes = None if labels is None else labels.tolist()
    return {**score(answers, classes), **in_segments(spec, answers, classes)}


def in_segments(spec: ModelSpec, answers: Evaluation, classes: Any) -> dict[str, float]:
    """Score the rows of each segment by the metrics that may not drop there."""
    return {
        called(metric, rules.column, value): score(part(answers, rows), classes)[metric]
        for rules in spec.gate.segments
        for value, rows in segments(answers.column(rules.column)).items()
        if len(rows) >= rules.rows
        for metric in rules.rules.drops
    }
