"""Replacements for skl2onnx converters that lose precision or write graphs that do not load."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

from train.export.encoders import tabulate
from train.export.forests import FORESTS, convert_forest, shape_of_trees
from train.export.hist_gradient_boosting import HISTOGRAMS, convert_histogram
from train.export.isolation_forest import convert_isolation_forest, shape_of_isolation_forest
from train.export.several_targets import MEMBERS, convert_members, shape_of_members
from train.export.transformed_target import convert_transformed, shape_of_transformed


class Converters:
    """Converters and shape calculators for graphs that compute in float64 (`double`) or float32."""

    def __init__(self, *, double: bool) -> None:
        self.type = DoubleTensorType if double else FloatTensorType
        self.element = TensorProto.DOUBLE if double else TensorProto.FLOAT
        self.functions = {
            SimpleImputer: self.convert_imputer,
            OneHotEncoder: self.convert_encoder,
            OrdinalEncoder: self.convert_encoder,
            TargetEncoder: self.convert_encoder,
            **dict.fromkeys(FORESTS, convert_forest),
            **dict.fromkeys(HISTOGRAMS, convert_histogram),
            IsolationForest: convert_isolation_forest,
            TransformedTargetRegressor: convert_transformed,
            **dict.fromkeys(MEMBERS, convert_members),
        }
        self.shapes = {
            SimpleImputer: self.shape_of_imputer,
            OneHotEncoder: self.shape_of_encoder,
            OrdinalEncoder: self.shape_of_encoder,
            TargetEncoder: self.shape_of_encoder,
            **dict.fromkeys((*FORESTS, *HISTOGRAMS), shape_of_trees),
            IsolationForest: shape_of_isolation_forest,
            TransformedTargetRegressor: shape_of_transformed,
            **dict.fromkeys(MEMBERS, shape_of_members),
        }

    def shape_of_imputer(self, operator: Any) -> None:
        """Declare the shape and type of an imputer's result."""
        kind = StringTensorType if is_text(operator) else self.type
        operator.outputs[0].type = kind([None, len(operator.raw_operator.statistics_)])

    def convert_imputer(self, scope: Any, operator: Any, container: Any) -> None:
        """Write a SimpleImputer as comparisons; the ONNX operator Imputer takes float32 only.

        Raises NotImplementedError for add_indicator, and for missing numbers other than NaN.
        """
        imputer = operator.raw_operator
        if imputer.add_indicator:
            raise NotImplementedError("a SimpleImputer with add_indicator")
        X, result = one_input(operator), operator.outputs[0].full_name
        gap = scope.get_unique_variable_name("gap")
        if is_text(operator):
            marker = self.constant(scope, container, [str(imputer.missing_values)], text=True)
            container.add_node("Equal", [X, marker], [gap])
        elif np.isnan(imputer.missing_values):
            container.add_node("IsNaN", [X], [gap])
        else:
            raise NotImplementedError("a SimpleImputer of numbers other than NaN")
        fill = self.constant(scope, container, imputer.statistics_, text=is_text(operator))
        container.add_node("Where", [gap, fill, X], [result])

    def shape_of_encoder(self, operator: Any) -> None:
        """Declare the shape and type of an encoder's result."""
        operator.outputs[0].type = self.type([None, tabulate(operator.raw_operator).width])

    def convert_encoder(self, scope: Any, operator: Any, container: Any) -> None:
        """Write an encoder as a comparison of every cell with every category, and a look-up."""
        lookup = tabulate(operator.raw_operator)
        X, result = one_input(operator), operator.outputs[0].full_name
        known = self.constant(scope, container, lookup.categories, text=is_text(operator))
        columns = scope.get_unique_variable_name("columns")
        container.add_initializer(columns, TensorProto.INT64, [len(lookup.columns)], lookup.columns)
        copies, equal, hits, encoded, known_cells, is_known = (
            scope.get_unique_variable_name(name)
            for name in ("copies", "equal", "hits", "encoded", "found", "hit")
        )
        container.add_node("Gather", [X, columns], [copies], axis=1)
        container.add_node("Equal", [copies, known], [equal])
        if lookup.is_one_hot:
            container.add_node("Cast", [equal], [result], to=self.element)
            return
        container.add_node("Cast", [equal], [hits], to=self.element)
        table = self.constant(scope, container, lookup.table)
        if not lookup.default.any():
            container.add_node("MatMul", [hits, table], [result])
            return
        members = self.constant(scope, container, lookup.members)
        half = self.constant(scope, container, [0.5])
        default = self.constant(scope, container, lookup.default)
        container.add_node("MatMul", [hits, table], [encoded])
        container.add_node("MatMul", [hits, members], [known_cells])
        container.add_node("Greater", [known_cells, half], [is_known])
        container.add_node("Where", [is_known, encoded, default], [result])

    def constant(self, scope: Any, container: Any, values: Any, *, text: bool = False) -> str:
        """Add a matrix or a row to the graph, and return its name."""
        name: str = scope.get_unique_variable_name("constant")
        matrix = np.atleast_2d(np.asarray(values, dtype=object if text else np.float64))
        cells = matrix.ravel().tolist()
        content = [str(cell).encode() for cell in cells] if text else cells
        kind = TensorProto.STRING if text else self.element
        container.add_initializer(name, kind, list(matrix.shape), content)
        return name


def is_text(operator: Any) -> bool:
    """Return whether the operator's input holds texts."""
    return isinstance(operator.inputs[0].type, StringTensorType)


def one_input(operator: Any) -> str:
    """Return the name of the operator's input; raise NotImplementedError if it has several."""
    if len(operator.inputs) != 1:
        raise NotImplementedError(f"{type(operator.raw_operator).__name__} of several inputs")
    name: str = operator.inputs[0].full_name
    return name
