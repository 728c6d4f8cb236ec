"""An isolation forest as ONNX nodes that answer as scikit-learn does (Liu, Ting and Zhou 2008).

Its score is 2 to the power of the mean depth at which the trees isolate a row, relative to what is
expected, and negated. onnxruntime gives sums over trees as float32, so the depths come as two sums:
multiples of a power of two, which a float32 holds exactly, and the small rest.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from onnx import TensorProto
from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType
from sklearn.ensemble._iforest import _average_path_length

from train.export.forests import DOMAIN, doubles, nodes, tensor

DIGITS = 23  # binary ones that a float32 holds exactly
TIE = 1e-10  # the offset may be the score of a training row itself, which sums here may just miss


def shape_of_isolation_forest(operator: Any) -> None:
    """Declare a label and a score for each row."""
    label, score = operator.outputs
    label.type, score.type = Int64TensorType([None, 1]), DoubleTensorType([None, 1])


def convert_isolation_forest(scope: Any, operator: Any, container: Any) -> None:
    """Write an isolation forest; raise NotImplementedError for one of a single training row."""
    forest = operator.raw_operator
    expected = len(forest.estimators_) * float(_average_path_length([forest.max_samples_])[0])
    if not expected:
        raise NotImplementedError("an isolation forest of trees of one row")
    X, rounds = doubles(scope, operator, container)
    label, score = (output.full_name for output in operator.outputs)

    def constant(name: str, value: Any, kind: int = TensorProto.DOUBLE) -> str:
        """Add a constant to the graph, and return its name."""
        unique: str = scope.get_unique_variable_name(name)
        container.add_initializer(unique, kind, [1], [value])
        return unique

    def node(kind: str, *inputs: str, result: str = "", **more: Any) -> str:
        """Add a node, and return the name of its result."""
        name: str = result or scope.get_unique_variable_name(kind.lower())
        container.add_node(kind, list(inputs), [name], **more)
        return name

    trees = [member.tree_ for member in forest.estimators_]
    attributes = nodes(trees, rounds=rounds) | depths(forest)
    attributes |= {"nodes_featureids": features(forest), "n_targets": 2}
    sums = node("TreeEnsembleRegressor", X, **attributes, **DOMAIN)
    exact = node("Cast", sums, to=TensorProto.DOUBLE)
    depth = node("ReduceSum", exact, constant("axis", 1, TensorProto.INT64), keepdims=1)
    power = node("Mul", depth, constant("share", -1 / expected))
    opposite = node("Neg", node("Pow", constant("two", 2.0), power))
    node("Sub", opposite, constant("offset", float(forest.offset_)), result=score)
    below = node("Less", score, constant("tie", -TIE))
    outlier, inlier = (constant("verdict", verdict, TensorProto.INT64) for verdict in (-1, 1))
    node("Where", below, outlier, inlier, result=label)


def depths(forest: Any) -> dict[str, Any]:
    """Return the attributes of the leaves: the two parts of each one's depth.

    A leaf of several training rows stands for the tree that would isolate them.
    """
    trees = [member.tree_ for member in forest.estimators_]
    leaves = [np.flatnonzero(tree.children_left < 0) for tree in trees]
    by_tree = [
        lengths[rows] + averages[rows] - 1.0
        for rows, lengths, averages in zip(
            leaves,
            forest._decision_path_lengths,  # noqa: SLF001 - what scikit-learn itself adds up
            forest._average_path_length_per_tree,  # noqa: SLF001
            strict=True,
        )
    ]
    greatest = sum(float(values.max()) for values in by_tree)
    step = 2.0 ** (math.ceil(math.log2(max(greatest, 1.0))) - DIGITS)
    depth = np.concatenate(by_tree)
    whole = np.round(depth / step) * step
    count, numbers = len(depth), [len(rows) for rows in leaves]
    return {
        "target_treeids": np.tile(np.repeat(np.arange(len(trees)), numbers), 2),
        "target_nodeids": np.tile(np.concatenate(leaves), 2),
        "target_ids": np.repeat([0, 1], count),
        "target_weights_as_tensor": tensor(np.concatenate([whole, depth - whole])),
    }


def features(forest: Any) -> Any:
    """Return the input's column of each node (nodes,): a tree may see some of them only."""
    columns = [
        chosen[np.maximum(member.tree_.feature, 0)]  # a leaf has none, and -2 here
        for member, chosen in zip(forest.estimators_, forest.estimators_features_, strict=True)
    ]
    return np.concatenate(columns)
