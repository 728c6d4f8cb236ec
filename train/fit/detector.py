"""A detector of anomalies as a classifier of two classes, whose second is the anomaly.

scikit-learn's detectors answer 1 or -1, and score what is normal higher. Here the label is as the
target has it, and the score is higher for what is more anomalous.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from contract.spec.model_toml import ModelSpec
from train.fit import weighting


class Detector(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An outlier detector of scikit-learn's interface that answers with the target's classes.

    `classes` are the normal one, then the anomaly.
    """

    def __init__(self, estimator: Any, classes: list[int | str]) -> None:
        self.estimator = estimator
        self.classes = classes

    def fit(
        self,
        X: pd.DataFrame,
        y: Any = None,  # noqa: ARG002 - it judges only
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Fit to the rows X (rows, inputs) alone, known anomalies among them.

        `sample_weight` (rows,) is how much each row counts.
        """
        self.estimator_ = weighting.fit(clone(self.estimator), X, None, sample_weight)
        return self

    @property
    def classes_(self) -> NDArray[Any]:
        """The classes (2,)."""
        return np.array(self.classes, object if isinstance(self.classes[0], str) else np.int64)

    def predict(self, X: pd.DataFrame) -> NDArray[Any]:
        """Return the class (rows,) of each of the rows X (rows, inputs)."""
        labels: NDArray[Any] = self.classes_[(self.estimator_.predict(X) < 0).astype(int)]
        return labels

    def anomaly_score(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return how anomalous each of the rows X (rows, inputs) is, as an array (rows,).

        The opposite of scikit-learn's decision_function: above 0 are the anomalies.
        """
        return -np.asarray(self.estimator_.decision_function(X), dtype=np.float64).ravel()


def detecting(spec: ModelSpec, estimator: Any, classes: list[int | str] | None) -> Any:
    """Return the estimator as a detector of `classes`, as it is where the task is another."""
    if spec.task != "anomaly_detection" or classes is None:
        return estimator
    return Detector(estimator, classes)
