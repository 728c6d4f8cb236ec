"""Stand-ins for the boosters inside a fitted estimator, which a graph is written from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import DoubleTensorType, Int64TensorType, StringTensorType
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.exceptions import NotFittedError

from train.export.boosters import catboost, lightgbm, xgboost
from train.export.boosters.boosted import Boosted, attributes
from train.export.forests import DOMAIN, doubles

# The library of an estimator, and the attribute that its boosters alone have.
LIBRARIES = {
    "xgboost": ("get_booster", xgboost.read),
    "lightgbm": ("booster_", lightgbm.read),
    "catboost": ("get_all_params", catboost.read),
}


class BoostedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that is its trees, and tells `classes` (classes,) apart.

    `has_margin` says that it has a decision_function, by which scikit-learn calibrates.
    """

    def __init__(self, boosted: Boosted, classes: NDArray[Any], *, has_margin: bool) -> None:
        self.boosted = boosted
        self.classes_ = classes
        self.has_margin = has_margin


class BoostedRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """A regressor that is its trees."""

    def __init__(self, boosted: Boosted) -> None:
        self.boosted = boosted


def read(estimator: Any) -> Boosted | None:
    """Return the trees of a fitted booster, or of a class that is made from one; None of others.

    Raises NotImplementedError for what cannot be written as trees.
    """
    for kind in type(estimator).__mro__:
        known = LIBRARIES.get(kind.__module__.partition(".")[0])
        if known and hasattr(estimator, known[0]):
            return known[1](estimator)
    return None


def replaced(part: Any, seen: dict[int, Any] | None = None) -> Any:
    """Return a part of a fitted estimator of scikit-learn with stand-ins for all boosters in it.

    What holds them is changed in place. `seen` has the result of each object by its id, since
    estimators and what they ask of metadata lead to each other.
    """
    seen = {} if seen is None else seen
    if isinstance(part, list | tuple) and type(part) in (list, tuple):
        return type(part)(replaced(item, seen) for item in part)
    if (
        not hasattr(type(part), "__mro__")
        or isinstance(part, type)
        or not hasattr(part, "__dict__")
    ):
        return part
    if id(part) not in seen:
        seen[id(part)] = stand_in_of(part) or part
        if seen[id(part)] is part and type(part).__module__.startswith("sklearn."):
            for name, value in vars(part).items():
                if isinstance(value, list | tuple) or hasattr(value, "__dict__"):
                    setattr(part, name, replaced(value, seen))
    return seen[id(part)]


def stand_in_of(part: Any) -> BoostedClassifier | BoostedRegressor | None:
    """Return what stands for a fitted booster, None for anything else."""
    try:
        boosted = read(part)
    except NotFittedError:  # what an ensemble was made of
        return None
    if boosted is None:
        return None
    if is_classifier(part):
        has_margin = hasattr(part, "decision_function")
        return BoostedClassifier(boosted, np.asarray(part.classes_), has_margin=has_margin)
    return BoostedRegressor(boosted)


def shape_of_boosted(operator: Any) -> None:
    """Declare the results of a stand-in."""
    model, kind = operator.raw_operator, type(operator.inputs[0].type)
    if isinstance(model, BoostedRegressor):
        operator.outputs[0].type = kind([None, len(model.boosted.base)])
        return
    is_text = model.classes_.dtype.kind not in "iu"
    operator.outputs[0].type = (StringTensorType if is_text else Int64TensorType)([None])
    operator.outputs[1].type = kind([None, len(model.classes_)])


def convert_boosted(scope: Any, operator: Any, container: Any) -> None:
    """Write the trees, and what comes after their sums."""
    model = operator.raw_operator
    is_double = isinstance(operator.inputs[0].type, DoubleTensorType)
    writer = Writer(scope, container)
    X, _ = doubles(scope, operator, container)
    trees, base = attributes(model.boosted)
    sums = writer.node("TreeEnsembleRegressor", [X], **trees, **DOMAIN)
    sums = writer.node("Cast", [sums], to=TensorProto.DOUBLE)
    sums = writer.node("Add", [sums, writer.constant(TensorProto.DOUBLE, base)])
    answers = writer.linked(sums, model.boosted)
    numbers = operator.outputs[-1].full_name
    element = TensorProto.DOUBLE if is_double else TensorProto.FLOAT
    if isinstance(model, BoostedRegressor):
        container.add_node("Cast", [answers], [numbers], to=element)
        return
    if len(model.boosted.base) == 1:
        shares = [writer.node("Sub", [writer.number(1), answers]), answers]
        code = writer.node("Greater", [answers, writer.number(0.5)])
        code = writer.node("Cast", [code], to=TensorProto.INT64)
        code = writer.node("Reshape", [code, writer.integers([-1])])
        answers = writer.node("Concat", shares, axis=1)
        sums = writer.node("Concat", [writer.node("Neg", [sums]), sums], axis=1)
    else:
        code = writer.node("ArgMax", [answers], axis=1, keepdims=0)
    if model.has_margin and container.get_options(model, {"raw_scores": False})["raw_scores"]:
        answers = sums
    container.add_node("Cast", [answers], [numbers], to=element)
    label = operator.outputs[0].full_name
    container.add_node("Gather", [writer.classes(model.classes_), code], [label], axis=0)


class Writer:
    """Adds nodes and constants to a graph."""

    def __init__(self, scope: Any, container: Any) -> None:
        self.scope = scope
        self.container = container

    def node(self, operation: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node, and return the name of its result."""
        name: str = self.scope.get_unique_variable_name(operation.lower())
        self.container.add_node(operation, inputs, [name], **attributes)
        return name

    def constant(self, kind: int, values: list[Any]) -> str:
        """Add a constant (values,), and return its name."""
        name: str = self.scope.get_unique_variable_name("constant")
        self.container.add_initializer(name, kind, [len(values)], values)
        return name

    def number(self, value: float) -> str:
        """Add a number of float64."""
        return self.constant(TensorProto.DOUBLE, [value])

    def integers(self, values: list[int]) -> str:
        """Add whole numbers."""
        return self.constant(TensorProto.INT64, values)

    def classes(self, classes: NDArray[Any]) -> str:
        """Add the classes (classes,)."""
        if classes.dtype.kind in "iu":
            return self.integers(classes.tolist())
        return self.constant(TensorProto.STRING, [str(label).encode() for label in classes])

    def linked(self, sums: str, boosted: Boosted) -> str:
        """Put sums through the link, in float64; the result is rounded where the library does."""
        if boosted.scale != 1:
            sums = self.node("Mul", [sums, self.number(boosted.scale)])
        if boosted.link == "sigmoid":
            sums = self.node("Sigmoid", [sums])
        elif boosted.link == "softmax":
            sums = self.node("Softmax", [sums], axis=1)
        elif boosted.link == "exp":
            sums = self.node("Exp", [sums])
        elif boosted.link == "log1p exp":
            sums = self.node("Log", [self.node("Add", [self.node("Exp", [sums]), self.number(1)])])
        elif boosted.link == "signed square":
            sums = self.node("Mul", [sums, self.node("Abs", [sums])])
        elif boosted.link == "step":
            above = self.node("Greater", [sums, self.number(0)])
            sums = self.node("Cast", [above], to=TensorProto.DOUBLE)
        if not boosted.single:
            return sums
        rounded = self.node("Cast", [sums], to=TensorProto.FLOAT)
        return self.node("Cast", [rounded], to=TensorProto.DOUBLE)


# Of a classifier skl2onnx asks how it gives probabilities, which only a registered one may be told.
OPTIONS: dict[str, Any] = {"zipmap": [True, False, "columns"], "raw_scores": [True, False]}
update_registered_converter(
    BoostedClassifier, "BoostedClassifier", shape_of_boosted, convert_boosted, options=OPTIONS
)
update_registered_converter(BoostedRegressor, "BoostedRegressor", shape_of_boosted, convert_boosted)
