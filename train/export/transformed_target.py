"""A regressor of a transformed target, whose answers are transformed back, as ONNX nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import TensorProto
from skl2onnx.algebra.onnx_operator import OnnxSubEstimator
from skl2onnx.algebra.onnx_ops import (
    OnnxAdd,
    OnnxCast,
    OnnxExp,
    OnnxIdentity,
    OnnxLog,
    OnnxMul,
    OnnxReshape,
    OnnxSqrt,
    OnnxSub,
)
from skl2onnx.common.data_types import DoubleTensorType
from sklearn.preprocessing import FunctionTransformer, StandardScaler

COLUMN = np.array([-1, 1], dtype=np.int64)
ONE = np.array([1.0])
# What numpy's functions are in ONNX, of a column of float64 and the version of the operators.
FUNCTIONS: dict[Any, Callable[[Any, int], Any]] = {
    None: lambda column, _: column,
    np.exp: lambda column, version: OnnxExp(column, op_version=version),
    np.expm1: lambda column, version: OnnxSub(
        OnnxExp(column, op_version=version), ONE, op_version=version
    ),
    np.log: lambda column, version: OnnxLog(column, op_version=version),
    np.log1p: lambda column, version: OnnxLog(
        OnnxAdd(column, ONE, op_version=version), op_version=version
    ),
    np.sqrt: lambda column, version: OnnxSqrt(column, op_version=version),
    np.square: lambda column, version: OnnxMul(column, column, op_version=version),
}


def shape_of_transformed(operator: Any) -> None:
    """Declare one number for each row, of float64."""
    operator.outputs[0].type = DoubleTensorType([None, 1])


def convert_transformed(scope: Any, operator: Any, container: Any) -> None:
    """Write the regressor inside, and what transforms its answers back.

    Raises NotImplementedError for another transformer than numpy's functions and a StandardScaler.
    """
    model, version = operator.raw_operator, container.target_opset
    inner = OnnxSubEstimator(model.regressor_, operator.inputs[0], op_version=version)
    number = OnnxCast(inner, to=TensorProto.DOUBLE, op_version=version)
    column = OnnxReshape(number, COLUMN, op_version=version)
    transformer = model.transformer_
    if isinstance(transformer, StandardScaler):
        scale = np.ones(1) if transformer.scale_ is None else transformer.scale_
        mean = np.zeros(1) if transformer.mean_ is None else transformer.mean_
        spread = OnnxMul(column, scale, op_version=version)
        back = OnnxAdd(spread, mean, op_version=version)
    elif isinstance(transformer, FunctionTransformer) and transformer.inverse_func in FUNCTIONS:
        back = FUNCTIONS[transformer.inverse_func](column, version)
    else:
        raise NotImplementedError(f"a target transformed by {transformer}")
    OnnxIdentity(back, op_version=version, output_names=[operator.outputs[0]]).add_to(
        scope=scope, container=container
    )
