"""Histogram gradient boosting in float64 and with sets of categories, which skl2onnx lacks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
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

    Raises NotImplementedError for categories that are no numbers.
    """
    model = operator.raw_operator
    is_classifier = isinstance(model, ensemble.HistGradientBoostingClassifier)
    original = convert_classifier if is_classifier else convert_regressor
    if isinstance(operator.inputs[0].type, DoubleTensorType):
        original(scope, operator, Trees(container, model, double=True), op_version=3)
    else:
        original(scope, operator, Trees(container, model, double=False))


class Trees:
    """A skl2onnx container that mends the attributes of the trees of a model."""

    def __init__(self, container: Any, model: Any, *, double: bool) -> None:
        self.container = container
        self.model = model
        self.double = double

    def __getattr__(self, name: str) -> Any:
        return getattr(self.container, name)

    def add_node(self, op_type: str, *args: Any, **attributes: Any) -> None:
        """Add a node to the graph; in trees split categories, and make tensors of numbers."""
        if op_type.startswith("TreeEnsemble"):
            if np.any(self.model.is_categorical_):
                attributes |= with_sets(self.model, attributes)
            for name in DOUBLES:
                if self.double and name in attributes:
                    attributes[f"{name}_as_tensor"] = tensor(np.asarray(attributes.pop(name)))
            if self.double:
                attributes.pop("nodes_hitrates", None)
        self.container.add_node(op_type, *args, **attributes)


class Columns(NamedTuple):
    """What trees know of the columns in front of them, in the order in which trees number them.

    `places` (columns,) are the columns in the order of the inputs; `categories` are those of the
    first ones, the numbers that stand for categories by their codes.
    """

    places: NDArray[np.int64]
    categories: list[NDArray[Any]]


def columns_of(model: Any) -> Columns:
    """Return the columns of a fitted model: those of categories come first in its trees."""
    if not np.any(model.is_categorical_):
        return Columns(np.arange(model.n_features_in_), [])
    is_category = np.asarray(model.is_categorical_, dtype=bool)
    encoder = model._preprocessor.named_transformers_["encoder"]  # noqa: SLF001 - no public way
    return Columns(np.argsort(~is_category, kind="stable"), encoder.categories_)


def with_sets(model: Any, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of all nodes, of which those that split categories become chains.

    The nodes of a chain compare with one category each, and lead to one child where it is equal:
    to the side that a missing value and an unknown category do not go to. onnxruntime wants such
    a child that several nodes share on their true side. Raises NotImplementedError for categories
    that are no numbers.
    """
    places, categories = columns_of(model)
    if any(known.dtype.kind not in "fiu" for known in categories):
        raise NotImplementedError("a HistGradientBoosting with categories that are no numbers")
    table = {name: list(values) for name, values in attributes.items() if name.startswith("nodes_")}
    table["nodes_featureids"] = [int(places[feature]) for feature in table["nodes_featureids"]]
    free = np.bincount(table["nodes_treeids"])  # the next number of a node, for each tree
    for position, node, is_left in category_splits(model):
        known = categories[node["feature_idx"]]
        is_default = is_left if node["missing_go_to_left"] else ~is_left
        listed = known[(~is_default)[: len(known)] & ~np.isnan(known)].tolist()
        tree, first = table["nodes_treeids"][position], table["nodes_nodeids"][position]
        rest = range(free[tree], free[tree] + len(listed) - 1)
        free[tree] += len(rest)
        equal, default = (int(node[side]) for side in sides(node["missing_go_to_left"]))
        ids = [first, *rest]
        for number, category, following in zip(ids, listed, [*rest, default], strict=True):
            changed = {
                "nodes_nodeids": number,
                "nodes_modes": "BRANCH_EQ",
                "nodes_values": category,
                "nodes_truenodeids": equal,
                "nodes_falsenodeids": following,
                "nodes_missing_value_tracks_true": 0,
            }
            for name, values in table.items():
                value = changed.get(name, values[position])
                if number == first:
                    values[position] = value
                else:
                    values.append(value)
    order = np.argsort(table["nodes_treeids"], kind="stable")  # else a tree had several roots
    return {name: [values[place] for place in order] for name, values in table.items()}


def sides(missing_go_to_left: int) -> tuple[str, str]:
    """Return the child of the listed categories, and that of all the others."""
    return ("right", "left") if missing_go_to_left else ("left", "right")


def category_splits(model: Any) -> Iterator[tuple[int, Any, NDArray[np.bool_]]]:
    """Yield the nodes that split categories: the place among all nodes, the node, its left side.

    The side says for each code (256,) whether it goes to the left.
    """
    start = 0
    for predictor in (tree for iteration in model._predictors for tree in iteration):  # noqa: SLF001 - no public way
        nodes = predictor.nodes
        for place in np.flatnonzero((nodes["is_categorical"] == 1) & (nodes["is_leaf"] == 0)):
            words = predictor.raw_left_cat_bitsets[nodes[place]["bitset_idx"]]
            bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
            yield start + int(place), nodes[place], bits.astype(bool)
        start += len(nodes)
