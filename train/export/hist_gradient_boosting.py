"""Histogram gradient boosting in float64, which skl2onnx writes in float32 only."""

from __future__ import annotations

from typing import Any

import numpy as np
from skl2onnx.common.data_types import DoubleTensorType
from skl2onnx.operator_converters.random_forest import (
    convert_sklearn_random_forest_classifier as convert_classifier,
)
from skl2onnx.operator_converters.random_forest import (
    convert_sklearn_random_forest_regressor_converter as convert_regressor,
)
from sklearn import ensemble

from train.export.forests import tensor

HISTOGRAMS = (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor)
DOUBLES = ("nodes_values", "class_weights", "target_weights", "base_values")


def convert_histogram(scope: Any, operator: Any, container: Any) -> None:
    """Write thresholds as float64: scikit-learn compares them with float64 inputs.

    Raises NotImplementedError for categorical_features.
    """
    if np.any(operator.raw_operator.is_categorical_):
        raise NotImplementedError("a HistGradientBoosting with categorical_features")
    is_classifier = isinstance(operator.raw_operator, ensemble.HistGradientBoostingClassifier)
    original = convert_classifier if is_classifier else convert_regressor
    if isinstance(operator.inputs[0].type, DoubleTensorType):
        original(scope, operator, Doubles(container), op_version=3)
    else:
        original(scope, operator, container)


class Doubles:
    """A skl2onnx container that writes the numbers of tree nodes as tensors of float64."""

    def __init__(self, container: Any) -> None:
        self.container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self.container, name)

    def add_node(self, op_type: str, *args: Any, **attributes: Any) -> None:
        """Add a node to the graph, its lists of numbers turned into tensors."""
        for name in DOUBLES:
            if op_type.startswith("TreeEnsemble") and name in attributes:
                attributes[f"{name}_as_tensor"] = tensor(np.asarray(attributes.pop(name)))
        attributes.pop("nodes_hitrates", None)
        self.container.add_node(op_type, *args, **attributes)
