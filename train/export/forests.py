"""Forests and trees as ONNX nodes (ai.onnx.ml TreeEnsemble) that answer as scikit-learn does.

scikit-learn rounds an input to float32 and compares it with a float64 threshold. Then it adds up
the trees' probabilities in float64, and of classes with equal sums the first one wins. For the same
answers, onnxruntime gets float64 thresholds that include the rounding, and leaf weights that were
not divided by the number of trees. With two classes onnxruntime decides by `sum > 0.5`, where
scikit-learn compares both sums; a third class without votes makes onnxruntime compare them as well.
"""

from __future__ import annotations

from collections.abc import Sequence
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
DOMAIN: dict[str, Any] = {"op_domain": "ai.onnx.ml", "op_version": 3}


def shape_of_trees(operator: Any) -> None:
    """Declare float32 results: onnxruntime's tree ensembles give no others."""
    get_shape_calculator(sklearn_operator_name_map[type(operator.raw_operator)])(operator)
    numbers, targets = operator.outputs[-1], getattr(operator.raw_operator, "n_outputs_", 1)
    numbers.type = FloatTensorType([None, targets] if targets > 1 else numbers.type.shape)


def convert_forest(scope: Any, operator: Any, container: Any) -> None:
    """Write a forest or a tree; each of several labels has all trees, with leaves of its own."""
    forest = operator.raw_operator
    trees = [member.tree_ for member in getattr(forest, "estimators_", [forest])]
    X, rounds = doubles(scope, operator, container)
    outputs = [output.full_name for output in operator.outputs]
    attributes = nodes(trees, rounds=rounds)
    if not is_classifier(forest):
        attributes |= leaves("target", trees)
        attributes |= {"n_targets": forest.n_outputs_, "aggregate_function": "AVERAGE"}
        container.add_node("TreeEnsembleRegressor", [X], outputs, **attributes, **DOMAIN)
    elif forest.n_outputs_ == 1:
        attributes |= leaves("class", trees) | labels(forest.classes_)
        write_votes(scope, container, attributes, [X, *outputs], (len(trees), forest.n_classes_))
    else:
        members = []
        for place, classes in enumerate(forest.classes_):
            names = [scope.get_unique_variable_name(name) for name in ("label", "probabilities")]
            own = attributes | leaves("class", trees, place) | labels(classes)
            write_votes(scope, container, own, [X, *names], (len(trees), len(classes)))
            members.append(names)
        join(scope, container, members, outputs)


def write_votes(
    scope: Any,
    container: Any,
    attributes: dict[str, Any],
    names: Sequence[str],
    sizes: tuple[int, int],
) -> None:
    """Write trees that vote on one target: `names` are those of inputs, label and probabilities.

    `sizes` says how many trees and classes there are.
    """
    X, label, probabilities = names
    trees, classes = sizes
    votes = scope.get_unique_variable_name("votes")
    container.add_node("TreeEnsembleClassifier", [X], [label, votes], **attributes, **DOMAIN)
    share = scope.get_unique_variable_name("share")
    matrix = np.eye(max(3, classes), classes) / trees
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


def join(scope: Any, container: Any, members: list[list[str]], outputs: list[str]) -> None:
    """Write labels and the probabilities that they are true side by side, as (rows, labels)."""
    column, true = (scope.get_unique_variable_name(name) for name in ("column", "true"))
    container.add_initializer(column, TensorProto.INT64, [2], [-1, 1])
    container.add_initializer(true, TensorProto.INT64, [1], [1])
    cells = [[scope.get_unique_variable_name("cells") for _ in member] for member in members]
    for (label, probabilities), (values, shares) in zip(members, cells, strict=True):
        container.add_node("Reshape", [label, column], [values])
        container.add_node("Gather", [probabilities, true], [shares], axis=1)
    for columns, output in zip(zip(*cells, strict=True), outputs, strict=True):
        container.add_node("Concat", list(columns), [output], axis=1)


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


def leaves(kind: Literal["class", "target"], trees: list[Any], label: int = 0) -> dict[str, Any]:
    """Return the attributes of the leaves: a weight of each target, or class with a share.

    Of several labels, the classes are those of one.
    """
    values = [tree_.value[:, label] if kind == "class" else tree_.value[:, :, 0] for tree_ in trees]
    masks = [
        (tree_.children_left[:, None] < 0) & ((cells != 0) | (kind == "target"))
        for tree_, cells in zip(trees, values, strict=True)
    ]
    positions = [np.nonzero(mask) for mask in masks]
    weights = [cells[mask] for cells, mask in zip(values, masks, strict=True)]
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
