"""Finish an ONNX graph: the names that a bundle promises, and the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from onnx import ModelProto, NodeProto, TensorProto, helper

PRODUCER = "model-images"
IR_VERSION = 10
NUMERIC = "numeric"


def finish(model: ModelProto, names: Sequence[str]) -> bytes:
    """Name the outputs, take numbers as float64, and serialise deterministically."""
    graph = model.graph
    for name, output in zip(names, graph.output, strict=False):
        rename(model, output.name, name)
    del graph.output[len(names) :]
    prune(model)
    take_doubles(model)
    opsets: dict[str, int] = {}
    for opset in model.opset_import:  # a domain may occur twice
        opsets[opset.domain] = max(opset.version, opsets.get(opset.domain, 0))
    del model.opset_import[:]
    model.opset_import.extend(
        helper.make_opsetid(domain, version) for domain, version in sorted(opsets.items())
    )
    graph.name = "model"
    graph.doc_string = model.doc_string = model.domain = model.producer_version = ""
    model.producer_name = PRODUCER
    model.model_version = 1
    model.ir_version = IR_VERSION
    del model.metadata_props[:]
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def decide(model: ModelProto, threshold: float, classes: Sequence[int | str]) -> None:
    """Make the label the second of two classes where its probability reaches a threshold."""
    label, probabilities = model.graph.output[:2]
    model.graph.initializer.extend(
        [
            helper.make_tensor("threshold", TensorProto.DOUBLE, [1], [threshold]),
            helper.make_tensor("threshold_column", TensorProto.INT64, [], [1]),
            *class_tensors(["threshold_first", "threshold_second"], classes),
        ]
    )
    model.graph.node.extend(
        [
            helper.make_node(
                "Cast", [probabilities.name], ["threshold_double"], to=TensorProto.DOUBLE
            ),
            helper.make_node(
                "Gather", ["threshold_double", "threshold_column"], ["threshold_share"], axis=1
            ),
            helper.make_node(
                "GreaterOrEqual", ["threshold_share", "threshold"], ["threshold_reached"]
            ),
            helper.make_node(
                "Where",
                ["threshold_reached", "threshold_second", "threshold_first"],
                ["threshold_label"],
            ),
        ]
    )
    rename(model, label.name, "undecided")
    label.name = "threshold_label"


def relabel(model: ModelProto, classes: Sequence[int | str]) -> None:
    """Make the label of a class what it is called, where the graph gives its place."""
    label = model.graph.output[0]
    values: list[Any] = [x.encode() if isinstance(x, str) else x for x in classes]
    kind = label_type(classes)
    known = helper.make_tensor("coded_classes", kind, [len(classes)], values)
    model.graph.initializer.append(known)
    node = helper.make_node("Gather", ["coded_classes", "coded"], ["coded_label"], axis=0)
    rename(model, label.name, "coded")
    model.graph.node.append(node)
    label.name = "coded_label"
    label.type.tensor_type.elem_type = kind


def detect(model: ModelProto, classes: Sequence[int | str]) -> None:
    """Make the outputs of an outlier detector a label of two classes, and an anomaly score.

    skl2onnx gives -1 for an anomaly, which is the second class here, and a score that is higher for
    what is normal, which is negated.
    """
    label, score = model.graph.output[:2]
    model.graph.initializer.extend(
        [
            *class_tensors(["detect_first", "detect_second"], classes),
            helper.make_tensor("detect_zero", TensorProto.INT64, [], [0]),
            helper.make_tensor("detect_rows", TensorProto.INT64, [1], [-1]),
            helper.make_tensor("detect_column", TensorProto.INT64, [2], [-1, 1]),
        ]
    )
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Cast", [label.name], "detect_integer", {"to": TensorProto.INT64}),
        ("Reshape", ["detect_integer", "detect_rows"], "detect_verdict", {}),
        ("Less", ["detect_verdict", "detect_zero"], "detect_negative", {}),
        ("Where", ["detect_negative", "detect_second", "detect_first"], "detect_label", {}),
        ("Cast", [score.name], "detect_double", {"to": TensorProto.DOUBLE}),
        ("Reshape", ["detect_double", "detect_column"], "detect_normality", {}),
        ("Neg", ["detect_normality"], "detect_score", {}),
    ]
    nodes = [helper.make_node(kind, inputs, [name], **more) for kind, inputs, name, more in steps]
    model.graph.node.extend(nodes)
    for value, name in ((label, "undetected"), (score, "undetected_score")):
        rename(model, value.name, name)
    del model.graph.output[:]
    model.graph.output.extend(
        [
            helper.make_tensor_value_info("detect_label", label_type(classes), [None]),
            helper.make_tensor_value_info("detect_score", TensorProto.DOUBLE, [None, 1]),
        ]
    )


def label_type(classes: Sequence[int | str]) -> int:
    """Return the type of labels in a graph."""
    return int(TensorProto.STRING if isinstance(classes[0], str) else TensorProto.INT64)


def class_tensors(names: Sequence[str], classes: Sequence[int | str]) -> list[TensorProto]:
    """Return classes as tensors of one element, each with one of the names."""
    kind = label_type(classes)
    values: list[Any] = [x.encode() if isinstance(x, str) else x for x in classes]
    return [
        helper.make_tensor(name, kind, [1], [value])
        for name, value in zip(names, values, strict=True)
    ]


def prune(model: ModelProto) -> None:
    """Remove nodes and constants that no output needs, such as the scores behind a label."""
    needed = {output.name for output in model.graph.output}
    kept: list[NodeProto] = []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            kept.insert(0, node)
            needed.update(node.input)
    constants = [constant for constant in model.graph.initializer if constant.name in needed]
    del model.graph.node[:], model.graph.initializer[:], model.graph.value_info[:]
    model.graph.node.extend(kept)
    model.graph.initializer.extend(constants)


def rename(model: ModelProto, old: str, new: str) -> None:
    """Rename a value of the graph, and the output of that name."""
    for node in model.graph.node:
        replace(node.input, old, new)
        replace(node.output, old, new)
    for value in model.graph.output:
        if value.name == old:
            value.name = new


def replace(names: Iterable[str], old: str, new: str) -> None:
    """Replace a name in a list of names, in place."""
    for index, name in enumerate(names):
        if name == old:
            names[index] = new  # type: ignore[index]


def take_doubles(model: ModelProto) -> None:
    """Put a cast in front of a graph of float32 numbers, since every bundle takes float64."""
    for value in model.graph.input:
        if value.name == NUMERIC and value.type.tensor_type.elem_type == TensorProto.FLOAT:
            for node in model.graph.node:
                replace(node.input, NUMERIC, "numeric_float32")
            value.type.tensor_type.elem_type = TensorProto.DOUBLE
            cast = helper.make_node("Cast", [NUMERIC], ["numeric_float32"], to=TensorProto.FLOAT)
            model.graph.node.insert(0, cast)
