"""Estimators of several targets as ONNX nodes: one of its own for each target, side by side.

Numbers and labels come as (rows, targets), and so do the probabilities that a label is true.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper
from skl2onnx.algebra.onnx_operator import OnnxSubEstimator
from skl2onnx.algebra.onnx_ops import OnnxCast, OnnxConcat, OnnxGather, OnnxReshape
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType
from sklearn.base import is_classifier
from sklearn.multioutput import (
    ClassifierChain,
    MultiOutputClassifier,
    MultiOutputRegressor,
    RegressorChain,
)

from train.export.graph import rename

MEMBERS = (MultiOutputClassifier, MultiOutputRegressor, ClassifierChain, RegressorChain)
COLUMN = np.array([-1, 1], dtype=np.int64)
STACKED = 3  # dimensions of probabilities (labels, rows, classes)


def shape_of_members(operator: Any) -> None:
    """Declare the results of an estimator that has one for each target."""
    width, kind = len(operator.raw_operator.estimators_), type(operator.inputs[0].type)
    numbers = kind if kind in (DoubleTensorType, FloatTensorType) else DoubleTensorType
    classifies = is_classifier(operator.raw_operator)
    operator.outputs[0].type = (Int64TensorType if classifies else numbers)([None, width])
    for output in operator.outputs[1:]:
        output.type = numbers([None, width])


def convert_members(scope: Any, operator: Any, container: Any) -> None:
    """Write each target's estimator; in a chain, one gets the answers of those before it as well.

    Raises NotImplementedError for a chain that passes on other answers than predictions.
    """
    estimator, version = operator.raw_operator, container.target_opset
    is_double = isinstance(operator.inputs[0].type, DoubleTensorType)
    element = TensorProto.DOUBLE if is_double else TensorProto.FLOAT
    is_chain = isinstance(estimator, ClassifierChain | RegressorChain)
    if is_chain and getattr(estimator, "chain_method_", "predict") != "predict":
        raise NotImplementedError(f"a ClassifierChain by {estimator.chain_method_}")
    has_shares = is_classifier(estimator) and hasattr(estimator, "predict_proba")
    options = {"options": {"zipmap": False}} if has_shares else {}
    X: Any = operator.inputs[0]
    predictions, shares = [], []
    for member in estimator.estimators_:
        answer = OnnxSubEstimator(member, X, op_version=version, **options)
        label = OnnxReshape(answer[0] if has_shares else answer, COLUMN, op_version=version)
        number = OnnxCast(label, to=element, op_version=version)
        predictions.append(label if is_classifier(estimator) else number)
        if has_shares:
            true = OnnxGather(answer[1], np.array([1], np.int64), axis=1, op_version=version)
            shares.append(OnnxCast(true, to=element, op_version=version))
        if is_chain:
            X = OnnxConcat(X, number, axis=1, op_version=version)
    back = np.argsort(estimator.order_) if is_chain else range(len(predictions))
    for columns, output in zip((predictions, shares), operator.outputs, strict=False):
        if columns:
            ordered = [columns[place] for place in back]
            OnnxConcat(*ordered, axis=1, op_version=version, output_names=[output]).add_to(
                scope=scope, container=container
            )


def side_by_side(model: ModelProto, targets: int) -> None:
    """Give the outputs of a graph of several targets the shape (rows, targets).

    Of labels, the probabilities may come for each label, as a tensor or a sequence of them.
    """
    graph = model.graph
    shape = helper.make_tensor("targets_shape", TensorProto.INT64, [2], [-1, targets])
    true = helper.make_tensor("targets_true", TensorProto.INT64, [], [1])
    graph.initializer.extend([shape, true])
    for place, output in enumerate(graph.output):  # whose names the results are to have
        rename(model, output.name, f"targets_{place}")
    first, *others = graph.output
    values: list[tuple[int, list[Any]]] = [
        (first.type.tensor_type.elem_type, [("Reshape", [first.name, "targets_shape"], {})])
    ]
    for shares in others[:1]:
        steps: list[Any] = []
        kind = shares.type.tensor_type
        if shares.type.HasField("sequence_type"):
            kind = shares.type.sequence_type.elem_type.tensor_type
            steps.append(("ConcatFromSequence", [shares.name], {"axis": 0, "new_axis": 1}))
        if steps or len(kind.shape.dim) == STACKED:
            steps.append(("Gather", [shares.name, "targets_true"], {"axis": 2}))
            steps.append(("Transpose", [shares.name], {"perm": [1, 0]}))
        steps.append(("Reshape", [shares.name, "targets_shape"], {}))
        values.append((kind.elem_type, steps))
    outputs = []
    for place, (element, steps) in enumerate(values):
        last = graph.output[place].name
        for step, (operation, (_, *more), attributes) in enumerate(steps):
            result = f"targets_{place}_{step}"
            graph.node.append(helper.make_node(operation, [last, *more], [result], **attributes))
            last = result
        outputs.append(helper.make_tensor_value_info(last, element, [None, targets]))
    del graph.output[:]
    graph.output.extend(outputs)
