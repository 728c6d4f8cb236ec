"""How far a metric moves when nothing but the estimator's random seed changes.

Holdout rows can't show this, however they are resampled: two forests of different seeds differ by
more than the chance of the rows, and neither is worse.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from model.spec import ModelSpec
from train import evaluate
from train.split import Part


def seed_noise(spec: ModelSpec, fitted: Any, train: Part, holdout: Part) -> dict[str, float]:
    """Fit the estimator with other seeds and return each metric's standard deviation.

    Empty for an estimator without a random_state, which always comes out the same.
    """
    names = [name for name in fitted.get_params() if name.split("__")[-1] == "random_state"]
    if not names or spec.seeds < 2:
        return {}
    scores = [
        score(clone(fitted).set_params(**dict.fromkeys(names, seed)), train, holdout)
        for seed in range(1, spec.seeds + 1)
    ]
    return {name: float(np.std([each[name] for each in scores], ddof=1)) for name in scores[0]}


def score(model: Any, train: Part, holdout: Part) -> dict[str, float]:
    fitted = model.fit(train.X, train.y)
    return evaluate.score(holdout.y, evaluate.answer(fitted, holdout.X), evaluate.classes(fitted))
