"""Fit an estimator to rows of which some count more than others: the column `sample_weight`.

scikit-learn's metadata routing brings the weights to every predictor inside the estimator, and to
the scores by which a search chooses. Steps that transform see the rows as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import is_classifier, is_outlier_detector, is_regressor
from sklearn.metrics import get_scorer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.utils.metadata_routing import MetadataRouter
from sklearn.utils.validation import has_fit_parameter

from contract.errors import ModelError
from contract.spec.model_toml import ModelSpec

WEIGHT = "sample_weight"


def fit(estimator: Any, X: Any, y: Any, weights: NDArray[np.float64] | None) -> Any:
    """Fit an estimator, which `request` has prepared where there are weights.

    `X` has the shape (rows, inputs), `y` and `weights` (rows,).
    """
    if weights is None:
        return estimator.fit(X, y)
    with config_context(enable_metadata_routing=is_router(estimator)):
        return estimator.fit(X, y, sample_weight=weights)


def request(spec: ModelSpec, estimator: Any) -> None:
    """Let the weights of a model that has some reach every predictor inside its estimator.

    Raises ModelError for one that takes none.
    """
    if spec.sample_weight is None:
        return
    parts = {"": estimator, **estimator.get_params()}
    with config_context(enable_metadata_routing=True):
        for name, part in parts.items():
            if not hasattr(part, "fit"):
                continue
            takes = has_fit_parameter(part, WEIGHT)
            wanted = all(map(is_predictor, above(name, parts)))
            if wanted and not takes and not is_router(part):
                cure = "Choose another estimator, or remove sample_weight."
                got = f"{type(part).__name__}, which takes none"
                raise ModelError(
                    f"{spec.file}: sample_weight", "taken by every estimator", got, cure
                )
            if takes and hasattr(part, "set_fit_request"):
                part.set_fit_request(sample_weight=wanted)
            if wanted and hasattr(part, "set_score_request"):
                part.set_score_request(sample_weight=True)
            if isinstance(part, BaseSearchCV) and part.scoring is not None:
                part.set_params(scoring=weighted(part.scoring))


def above(name: str, parts: dict[str, Any]) -> list[Any]:
    """Return a part by its name among the parameters, and all those that it is inside of."""
    words = name.split("__")
    return [parts[""], *(parts["__".join(words[: end + 1])] for end in range(len(words)) if name)]


def is_predictor(part: Any) -> bool:
    """Return whether a part predicts, as a pipeline does whose last step does."""
    return bool(is_classifier(part) or is_regressor(part) or is_outlier_detector(part))


def is_router(estimator: Any) -> bool:
    """Return whether an estimator hands weights on to others inside it.

    AdaBoost, which has no routing yet, takes them itself.
    """
    try:
        return isinstance(estimator.get_metadata_routing(), MetadataRouter)
    except (AttributeError, NotImplementedError):
        return False


def weighted(scoring: Any) -> Any:
    """Return what a search scores by, under weights; a function of its own stays as it is."""
    if isinstance(scoring, dict):
        return {name: weighted(scorer) for name, scorer in scoring.items()}
    if isinstance(scoring, list | tuple | set):
        return {name: weighted(name) for name in scoring}
    scorer = get_scorer(scoring)
    if hasattr(scorer, "set_score_request"):
        return scorer.set_score_request(sample_weight=True)
    return scorer
