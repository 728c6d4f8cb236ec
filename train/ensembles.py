"""Tree ensembles in float64 and with missing values, which skl2onnx writes in neither way."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import numpy_helper
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common._registration import get_converter, get_shape_calculator
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from skl2onnx.operator_converters.random_forest import (
    convert_sklearn_random_forest_classifier as convert_classifier,
)
from skl2onnx.operator_converters.random_forest import (
    convert_sklearn_random_forest_regressor_converter as convert_regressor,
)
from sklearn import ensemble, tree

FORESTS = (
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    tree.DecisionTreeClassifier,
    tree.DecisionTreeRegressor,
)
HISTOGRAMS = (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor)
DOUBLES = ("nodes_values", "class_weights", "target_weights", "base_values")


class Interceptor:
    """A container that changes the attributes of a tree node on their way into the graph."""

    def __init__(self, container: Any, change: Any) -> None:
        self.container = container
        self.change = change

    def __getattr__(self, name: str) -> Any:
        return getattr(self.container, name)

    def add_node(self, op_type: str, *args: Any, **attributes: Any) -> None:
        if op_type.startswith("TreeEnsemble"):
            attributes = self.change(attributes)
        self.container.add_node(op_type, *args, **attributes)


def convert_forest(scope: Any, operator: Any, container: Any) -> None:
    """Convert as skl2onnx does, but send missing values the way scikit-learn sends them."""
    original = get_converter(sklearn_operator_name_map[type(operator.raw_operator)])
    members = getattr(operator.raw_operator, "estimators_", [operator.raw_operator])
    trees = [member.tree_ for member in np.ravel(members)]
    left = np.concatenate(
        [each.missing_go_to_left * (each.children_left >= 0) for each in trees]
    ).tolist()

    def change(attributes: dict[str, Any]) -> dict[str, Any]:
        return {**attributes, "nodes_missing_value_tracks_true": left}

    original(scope, operator, Interceptor(container, change))


def convert_histogram(scope: Any, operator: Any, container: Any) -> None:
    """Write thresholds as float64: unlike a forest's, they are compared with float64 inputs."""
    if np.any(operator.raw_operator.is_categorical_):
        raise NotImplementedError("a HistGradientBoosting with categorical_features")
    is_classifier = isinstance(operator.raw_operator, ensemble.HistGradientBoostingClassifier)
    original = convert_classifier if is_classifier else convert_regressor
    if isinstance(operator.inputs[0].type, DoubleTensorType):
        original(scope, operator, Interceptor(container, doubles), op_version=3)
    else:
        original(scope, operator, container)


def doubles(attributes: dict[str, Any]) -> dict[str, Any]:
    """Replace lists of float32 by the float64 tensors of ai.onnx.ml 3."""
    result = {name: value for name, value in attributes.items() if name not in DOUBLES}
    for name in DOUBLES:
        if name in attributes:
            values = np.asarray(attributes[name], dtype=np.float64)
            result[f"{name}_as_tensor"] = numpy_helper.from_array(values)
    del result["nodes_hitrates"]
    return result


def shape_of_histogram(operator: Any) -> None:
    """Declare float32 results: the trees of onnxruntime give no others."""
    get_shape_calculator(sklearn_operator_name_map[type(operator.raw_operator)])(operator)
    numbers = operator.outputs[-1]
    numbers.type = FloatTensorType(numbers.type.shape)
