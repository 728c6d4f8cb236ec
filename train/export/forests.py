"""Forests as ONNX nodes that split and vote exactly as scikit-learn does.

scikit-learn rounds an input to float32 and compares it with a float64 threshold; then it adds up
the trees' probabilities in float64, and of classes with equal sums the first wins. The same in
onnxruntime takes float64 thresholds with the rounding in them, weights that were not divided, and
never two classes: of two, it compares one sum with one half, not two sums with each other.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper
from skl2onnx._supported_operators import sklearn_operator_name_map
from skl2onnx.common._registration import get_shape_calculator
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn import ensemble, tree
from sklearn.base import is_classifier

FORESTS = (
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    tree.DecisionTreeClassifier,
    tree.DecisionTreeRegressor,
)
AVERAGE = {"n_targets": 1, "aggregate_function": "AVERAGE"}
DOMAIN: dict[str, Any] = {"op_domain": "ai.onnx.ml", "op_version": 3}


def shape_of_trees(operator: Any) -> None:
    """Declare float32 results: the trees of onnxruntime give no others."""
    get_shape_calculator(sklearn_operator_name_map[type(operator.raw_operator)])(operator)
    numbers = operator.outputs[-1]
    numbers.type = FloatTensorType(numbers.type.shape)


def convert_forest(scope: Any, operator: Any, container: Any) -> None:
    forest = operator.raw_operator
    if forest.n_outputs_ != 1:
        raise NotImplementedError("a forest with several targets")
    trees = [member.tree_ for member in getattr(forest, "estimators_", [forest])]
    X = operator.inputs[0].full_name
    rounds = isinstance(operator.inputs[0].type, DoubleTensorType)
    if not rounds:
        X = scope.get_unique_variable_name("double")
        container.add_node("Cast", [operator.inputs[0].full_name], [X], to=TensorProto.DOUBLE)
    outputs = [output.full_name for output in operator.outputs]
    if not is_classifier(forest):
        found = nodes(trees, rounds=rounds) | leaves("target", trees) | AVERAGE
        container.add_node("TreeEnsembleRegressor", [X], outputs, **found, **DOMAIN)
        return
    label, probabilities = outputs
    votes = scope.get_unique_variable_name("votes")
    found = nodes(trees, rounds=rounds) | leaves("class", trees) | labels(forest.classes_)
    container.add_node("TreeEnsembleClassifier", [X], [label, votes], **found, **DOMAIN)
    share = scope.get_unique_variable_name("share")
    matrix = np.eye(max(3, forest.n_classes_), forest.n_classes_) / len(trees)
    container.add_initializer(share, TensorProto.FLOAT, list(matrix.shape), matrix.ravel())
    container.add_node("MatMul", [votes, share], [probabilities])


def nodes(trees: list[Any], *, rounds: bool) -> dict[str, Any]:
    """Return the attributes of all nodes; a leaf has no children, no feature and no threshold."""
    leaf = np.concatenate([each.children_left < 0 for each in trees])

    def column(name: str) -> NDArray[Any]:
        return np.where(leaf, 0, np.concatenate([getattr(each, name) for each in trees]))

    thresholds = column("threshold")
    return {
        "nodes_treeids": np.repeat(np.arange(len(trees)), [each.node_count for each in trees]),
        "nodes_nodeids": np.concatenate([np.arange(each.node_count) for each in trees]),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        "nodes_featureids": column("feature"),
        "nodes_values_as_tensor": tensor(before_rounding(thresholds) if rounds else thresholds),
        "nodes_truenodeids": column("children_left"),
        "nodes_falsenodeids": column("children_right"),
        "nodes_missing_value_tracks_true": column("missing_go_to_left"),
    }


def leaves(kind: Literal["class", "target"], trees: list[Any]) -> dict[str, Any]:
    """Return the attributes of what leaves say; that a class has no share in it goes unsaid."""
    marks = [
        (each.children_left[:, None] < 0) & ((each.value[:, 0] != 0) | (kind == "target"))
        for each in trees
    ]
    found = [np.nonzero(mark) for mark in marks]
    weights = [each.value[:, 0][mark] for each, mark in zip(trees, marks, strict=True)]
    return {
        f"{kind}_treeids": np.repeat(np.arange(len(trees)), [len(rows) for rows, _ in found]),
        f"{kind}_nodeids": np.concatenate([rows for rows, _ in found]),
        f"{kind}_ids": np.concatenate([columns for _, columns in found]),
        f"{kind}_weights_as_tensor": tensor(np.concatenate(weights)),
    }


def labels(classes: NDArray[Any]) -> dict[str, Any]:
    """Return the labels, and where there are two a third that no leaf votes for."""
    known = classes.tolist()
    if isinstance(known[0], str):
        return {"classlabels_strings": known + ["" for _ in range(3 - len(known))]}
    return {"classlabels_int64s": known + [max(known) + 1 for _ in range(3 - len(known))]}


def before_rounding(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest float64 that rounds to a float32 not above each threshold."""
    low = thresholds.astype(np.float32)
    low = np.where(low > thresholds, np.nextafter(low, np.float32(-np.inf)), low)
    high = np.nextafter(low, np.float32(np.inf))
    middle = low.astype(np.float64) / 2 + high.astype(np.float64) / 2
    up = middle.astype(np.float32) > low
    return np.where(up, np.nextafter(middle, -np.inf), middle)


def tensor(values: NDArray[np.float64]) -> Any:
    return numpy_helper.from_array(np.ascontiguousarray(values, dtype=np.float64))
