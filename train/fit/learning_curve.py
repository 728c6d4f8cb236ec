"""A learning curve: the scores of fits to more and more of the training rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.base import clone

from contract.errors import ModelError
from contract.evaluation.evaluation import Learning
from contract.spec.model_toml import ModelSpec
from train.data.split import Part
from train.data.targets import variety
from train.fit import backend, evaluate, own_metrics
from train.fit.cross_validation import folds

SHARES = (0.1, 0.25, 0.5, 1.0)  # of the rows that are not held back
PARTS = 4  # of the training rows, one of which is held back; the holdout compares models


def learning(spec: ModelSpec, fitted: Any, train: Part) -> list[Learning]:
    """Score fits to growing random parts of the training rows, on rows that were held back.

    A learning curve (Cortes et al. 1993) of the first gated metric. Parts that are too small for a
    fit or a score are left out; without rows there is none.
    """
    if not len(train.y):
        return []
    try:
        learn, test = folds(spec, train, PARTS)[-1]
    except (ModelError, ValueError):
        return []  # too few rows to hold any back
    learn, held = np.random.default_rng(spec.seed).permutation(learn), train.take(test)
    known = variety(spec, train.y)
    points, own = [], own_metrics.live(spec)
    for share in SHARES:
        rows = np.sort(learn[: round(share * len(learn))])
        if variety(spec, train.y[rows]) != known:
            continue  # these rows lack a class
        try:
            part = train.take(rows)
            model = backend.fit(clone(fitted), part.X, part.y, part.weights)
            answers, classes = evaluate.answer(model, held.X), evaluate.classes(spec, model)
            asked = spec.gate.asked
            scores = evaluate.score(held, answers, classes, asked, own, targets=spec.several)
        except ValueError:
            continue  # too few rows for this estimator or metric
        points.append(Learning(rows=len(rows), score=scores[spec.gate.headline]))
    return [point for point in points if math.isfinite(point.score)]
