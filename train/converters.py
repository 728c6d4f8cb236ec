"""Converters that replace skl2onnx's own where those lose precision or cannot be loaded."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, StringTensorType
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder


class Converters:
    """Converters and shape calculators for one precision of the graph's numbers."""

    def __init__(self, *, double: bool) -> None:
        self.type = DoubleTensorType if double else FloatTensorType
        self.element = TensorProto.DOUBLE if double else TensorProto.FLOAT
        self.functions = {
            SimpleImputer: self.convert_imputer,
            OneHotEncoder: self.convert_one_hot,
        }
        self.shapes = {SimpleImputer: self.shape_of_imputer, OneHotEncoder: self.shape_of_one_hot}

    def shape_of_imputer(self, operator: Any) -> None:
        operator.outputs[0].type = self.type([None, len(operator.raw_operator.statistics_)])

    def convert_imputer(self, scope: Any, operator: Any, container: Any) -> None:
        """Fill in missing numbers in the graph's precision; the ONNX Imputer knows only float32."""
        imputer = check_imputer(operator)
        X = operator.inputs[0].full_name
        fill = scope.get_unique_variable_name("fill")
        missing = scope.get_unique_variable_name("missing")
        statistics = imputer.statistics_.astype(np.float64)
        container.add_initializer(fill, self.element, [1, len(statistics)], statistics)
        container.add_node("IsNaN", [X], [missing])
        container.add_node("Where", [missing, fill, X], [operator.outputs[0].full_name])

    def shape_of_one_hot(self, operator: Any) -> None:
        columns = sum(map(len, kept_categories(operator.raw_operator)))
        operator.outputs[0].type = self.type([None, columns])

    def convert_one_hot(self, scope: Any, operator: Any, container: Any) -> None:
        """Compare texts with categories in three nodes, however many columns there are."""
        texts = check_one_hot(operator)
        kept = kept_categories(operator.raw_operator)
        columns = np.repeat(np.arange(len(kept)), [len(each) for each in kept])
        categories = [str(category).encode() for each in kept for category in each]
        where = scope.get_unique_variable_name("columns")
        known = scope.get_unique_variable_name("categories")
        copies = scope.get_unique_variable_name("copies")
        equal = scope.get_unique_variable_name("equal")
        container.add_initializer(where, TensorProto.INT64, [len(columns)], columns)
        container.add_initializer(known, TensorProto.STRING, [1, len(categories)], categories)
        container.add_node("Gather", [texts, where], [copies], axis=1)
        container.add_node("Equal", [copies, known], [equal])
        container.add_node("Cast", [equal], [operator.outputs[0].full_name], to=self.element)


def check_imputer(operator: Any) -> SimpleImputer:
    imputer = operator.raw_operator
    marker = imputer.missing_values
    if len(operator.inputs) != 1 or isinstance(operator.inputs[0].type, StringTensorType):
        raise NotImplementedError("a SimpleImputer of texts")
    if not (isinstance(marker, float) and np.isnan(marker)):
        raise NotImplementedError("a SimpleImputer whose missing_values is not NaN")
    if imputer.add_indicator or np.isnan(imputer.statistics_.astype(np.float64)).any():
        raise NotImplementedError("a SimpleImputer that adds or removes columns")
    return imputer


def check_one_hot(operator: Any) -> str:
    if len(operator.inputs) != 1 or not isinstance(operator.inputs[0].type, StringTensorType):
        raise NotImplementedError("a OneHotEncoder of numbers")
    name: str = operator.inputs[0].full_name
    return name


def kept_categories(encoder: OneHotEncoder) -> list[list[Any]]:
    """Return the categories that have a column of their own, for each input column."""
    if getattr(encoder, "_infrequent_enabled", False):
        raise NotImplementedError("a OneHotEncoder that joins infrequent categories")
    dropped = (
        encoder.drop_idx_ if encoder.drop_idx_ is not None else [None] * len(encoder.categories_)
    )
    return [
        [category for index, category in enumerate(categories) if index != drop]
        for categories, drop in zip(encoder.categories_, dropped, strict=True)
    ]
