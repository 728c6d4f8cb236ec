"""Convert a fitted estimator to an ONNX graph with the inputs and outputs of a bundle."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
from onnx import ModelProto
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import StringTensorType
from skl2onnx.sklapi import CastTransformer
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    VotingClassifier,
)
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from contract.bundle import ANOMALY_SCORE
from contract.spec.model_toml import ModelSpec
from train.export.boosters.stand_in import replaced
from train.export.converters import Converters
from train.export.graph import decide, detect, finish, relabel
from train.export.several_targets import side_by_side
from train.fit.adapted import has_tags
from train.fit.detector import Detector
from train.fit.wrappers import bare, is_coded

OPSET = {"": 21, "ai.onnx.ml": 3}  # what every onnxruntime since 1.20 can load


def convert(spec: ModelSpec, estimator: Any, *, double: bool) -> bytes:
    """Return the bytes of the graph, which computes in float64 (`double`) or float32.

    Raises whatever the conversion raises, such as NotImplementedError where there is no converter,
    and for dates, which no operator of ONNX takes.
    """
    if days := spec.in_array("date"):
        raise NotImplementedError(f"the date {days[0]}: ONNX has no type for it")
    outputs, decided = output_names(estimator), estimator
    estimator, _ = undecided(decided)
    if not has_tags(estimator):
        raise NotImplementedError(f"{type(estimator).__name__}, which has no converter")
    converters = Converters(double=double)
    numeric, categorical = spec.in_array("numeric"), spec.in_array("categorical")
    types = []
    if numeric:
        types.append(("numeric", converters.type([None, len(numeric)])))
    if categorical:
        types.append(("categorical", StringTensorType([None, len(categorical)])))
    model = by_position(
        replaced(copy.deepcopy(estimator)), [*numeric, *categorical], list(spec.inputs)
    )
    if isinstance(model, VotingClassifier):
        model.flatten_transform = False  # skl2onnx asks for it; only transform() depends on it
    if double:
        model = cast_before_boosting(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = convert_sklearn(
            model,
            name="model",
            initial_types=types,
            target_opset=OPSET,
            options=options(model),
            custom_conversion_functions=converters.functions,
            custom_shape_calculators=converters.shapes,
        )
    if any(node.op_type == "StringNormalizer" for node in graph.graph.node):
        raise NotImplementedError(
            "texts in lower case: onnxruntime's is that of each machine's locale, not Unicode's"
        )
    if spec.several:
        side_by_side(graph, len(spec.several))
    name_labels(graph, decided, model)
    return finish(graph, outputs)


def name_labels(graph: ModelProto, decided: Any, model: Any) -> None:
    """Let a graph of `model` give the label that the estimator around it gives."""
    if (threshold := undecided(decided)[1]) is not None:
        decide(graph, threshold, model.classes_.tolist())
    if is_coded(decided):
        relabel(graph, decided.classes_.tolist())
    if isinstance(decided, Detector):
        detect(graph, decided.classes)


def output_names(estimator: Any) -> list[str]:
    """Return the names of the outputs of an estimator's graph."""
    if isinstance(estimator, Detector):
        return ["label", ANOMALY_SCORE]
    if is_classifier(estimator):
        return ["label", "probabilities"] if hasattr(estimator, "predict_proba") else ["label"]
    return ["prediction"]


def undecided(estimator: Any) -> tuple[Any, float | None]:
    """Return the estimator below a threshold of probabilities, and the threshold; None if none.

    Of a detector it is what scikit-learn calls an outlier detector.
    """
    if isinstance(estimator, FixedThresholdClassifier):
        by_probability = (estimator.response_method, estimator.pos_label) == ("predict_proba", None)
        if by_probability and isinstance(estimator.threshold, float):
            return bare(estimator.estimator_), estimator.threshold
    return bare(estimator), None


def options(model: Any) -> dict[str, bool] | None:
    """Return skl2onnx's options: probabilities as one array, not as one dictionary per row."""
    last = model[-1] if isinstance(model, Pipeline) else model
    without = (LinearSVC, ClassifierChain)
    return {"zipmap": False} if is_classifier(last) and not isinstance(last, without) else None


def by_position(estimator: Any, order: list[str], names: list[str]) -> Any:
    """Make a leading ColumnTransformer select columns by position: numbers first, then texts.

    Any other estimator takes all columns in the order of model.toml, so that this must be the same
    order. Raises NotImplementedError if it is not.
    """
    if isinstance(estimator, Pipeline) and estimator.steps:
        name, first = estimator.steps[0]
        estimator.steps[0] = (name, by_position(first, order, names))
    elif isinstance(estimator, ColumnTransformer):
        indices = estimator._transformer_to_input_indices  # noqa: SLF001 - resolved by fit
        estimator.transformers_ = [
            (name, transformer, [order.index(names[index]) for index in indices[name]])
            for name, transformer, _ in estimator.transformers_
        ]
    elif order != names:
        raise NotImplementedError("numbers and texts that no ColumnTransformer tells apart")
    return estimator


def cast_before_boosting(estimator: Any) -> Any:
    """Round to float32 where scikit-learn does: right before the trees of gradient boosting."""
    steps = estimator.steps if isinstance(estimator, Pipeline) else [("estimator", estimator)]
    if not isinstance(steps[-1][1], GradientBoostingClassifier | GradientBoostingRegressor):
        return estimator
    return Pipeline([*steps[:-1], ("float32", CastTransformer(dtype=np.float32)), steps[-1]])
