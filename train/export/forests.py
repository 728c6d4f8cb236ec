"""Forests and trees as ONNX nodes (ai.onnx.ml TreeEnsemble) that answer as scikit-learn does.

scikit-learn rounds an input to float32 and compares it with a float64 threshold. Then it adds up
the trees' probabilities in float64, and of classes with equal sums the first one wins. For the same
answers, onnxruntime gets float64 thresholds that include the rounding, and leaf weights that were
not divided by the number of trees. With two classes onnxruntime decides by `sum > 0.5`, where
scikit-learn compares both sums; a third class without votes makes onnxruntime compare them as well.
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
    """Declare float32 results: onnxruntime's tree ensembles give no others."""
    get_shape_calculator(sklearn_operator_name_map[type(operator.raw_operator)])(operator)
    numbers = operator.outputs[-1]
    numbers.type = FloatTensorType(numbers.type.shape)


def convert_forest(scope: Any, operator: Any, container: Any) -> None:
    """Write a forest or a tree; raise NotImplementedError for one with several targets."""
    forest = operator.raw_operator
    if forest.n_outputs_ != 1:
        raise NotImplementedError("a forest with several targets")
    trees = [member.tree_ for member in getattr(forest, "estimators_", [forest])]
    X, rounds = doubles(scope, operator, container)
    outputs = [output.full_name for output in operator.outputs]
    if not is_classifier(forest):
        attributes = nodes(trees, rounds=rounds) | leaves("target", trees) | AVERAGE
        container.add_node("TreeEnsembleRegressor", [X], outputs, **attributes, **DOMAIN)
        return
    label, probabilities = outputs
    votes = scope.get_unique_variable_name("votes")
    attributes = nodes(trees, rounds=rounds) | leaves("class", trees) | labels(forest.classes_)
    container.add_node("TreeEnsembleClassifier", [X], [label, votes], **attributes, **DOMAIN)
    share = scope.get_unique_variable_name("share")
    matrix = np.eye(max(3, forest.n_classes_), forest.n_classes_) / len(trees)
    container.add_initializer(share, TensorProto.FLOAT, list(matrix.shape), matrix.ravel())
    container.add_node("MatMul", [votes, share], [probabilities])


def doubles(scope: Any, operator: Any, container: Any) -> tuple[str, bool]:
    """Return the name of the input as float64, and whether it still has to be rounded to float32.

    A graph that computes in float32 has rounded it already.
    """
    X: str = operator.inputs[0].full_name
    if isinstance(operator.inputs[0].type, DoubleTensorType):
        return X, True
    double: str = scope.get_unique_variable_name("double")
    container.add_node("Cast", [X], [double], to=TensorProto.DOUBLE)
    return double, False


def nodes(trees: list[Any], *, rounds: bool) -> dict[str, Any]:
    """Return the attributes of all nodes; a leaf has no children, no feature and no threshold.

    With `rounds`, inputs come as float64, and the thresholds include their rounding to float32.
    """
    leaf = np.concatenate([tree_.children_left < 0 for tree_ in trees])

    def column(name: str) -> NDArray[Any]:
        """Return an attribute of all nodes (nodes,), 0 for leaves."""
        return np.where(leaf, 0, np.concatenate([getattr(tree_, name) for tree_ in trees]))

    thresholds = column("threshold")
    return {
        "nodes_treeids": np.repeat(np.arange(len(trees)), [tree_.node_count for tree_ in trees]),
        "nodes_nodeids": np.concatenate([np.arange(tree_.node_count) for tree_ in trees]),
        "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
        "nodes_featureids": column("feature"),
        "nodes_values_as_tensor": tensor(before_rounding(thresholds) if rounds else thresholds),
        "nodes_truenodeids": column("children_left"),
        "nodes_falsenodeids": column("children_right"),
        "nodes_missing_value_tracks_true": column("missing_go_to_left"),
    }


def leaves(kind: Literal["class", "target"], trees: list[Any]) -> dict[str, Any]:
    """Return the attributes of the leaves; of each, only the classes that it has a share of."""
    masks = [
        (tree_.children_left[:, None] < 0) & ((tree_.value[:, 0] != 0) | (kind == "target"))
        for tree_ in trees
    ]
    positions = [np.nonzero(mask) for mask in masks]
    weights = [tree_.value[:, 0][mask] for tree_, mask in zip(trees, masks, strict=True)]
    return {
        f"{kind}_treeids": np.repeat(np.arange(len(trees)), [len(rows) for rows, _ in positions]),
        f"{kind}_nodeids": np.concatenate([rows for rows, _ in positions]),
        f"{kind}_ids": np.concatenate([columns for _, columns in positions]),
        f"{kind}_weights_as_tensor": tensor(np.concatenate(weights)),
    }


def labels(classes: NDArray[Any]) -> dict[str, Any]:
    """Return the labels of `classes` (classes,).

    They are filled up to three with labels that no leaf votes for.
    """
    known = classes.tolist()
    if isinstance(known[0], str):
        return {"classlabels_strings": known + ["" for _ in range(3 - len(known))]}
    return {"classlabels_int64s": known + [max(known) + 1 for _ in range(3 - len(known))]}


def before_rounding(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest float64 that rounds to a float32 not above each threshold.

    Takes and returns an array of shape (nodes,). Rounding is IEEE 754's to nearest, ties to even.
    """
    low = thresholds.astype(np.float32)
    low = np.where(low > thresholds, np.nextafter(low, np.float32(-np.inf)), low)
    high = np.nextafter(low, np.float32(np.inf))
    middle = low.astype(np.float64) / 2 + high.astype(np.float64) / 2
    up = middle.astype(np.float32) > low
    return np.where(up, np.nextafter(middle, -np.inf), middle)


def tensor(values: NDArray[np.float64]) -> Any:
    """Return values of shape (nodes,) or (leaves,) as an ONNX tensor of float64."""
    return numpy_helper.from_array(np.ascontiguousarray(values, dtype=np.float64))
