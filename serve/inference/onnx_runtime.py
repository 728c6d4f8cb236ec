"""Run model.onnx with onnxruntime, without scikit-learn and without pickle in the process."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np

from contract.bundle import ANOMALY_SCORE, Bundle
from serve.errors import BrokenModel, WrongLibrary
from serve.inference.arrays import Frame
from serve.inference.scores import Scores
from serve.inference.z_order import WORTH_IT, Order, has_trees

try:
    from contract.onnx_session import open_session
except ImportError as error:
    raise WrongLibrary(
        f"onnxruntime must be installed to serve an ONNX model. Got instead: {error}. "
        "Install requirements.txt"
    ) from error

PROBABILITY_DIGITS = 7  # what a float32 holds; more would print rounding noise


class OnnxRuntime:
    """An onnxruntime session that scores each batch by one run of the graph.

    Making it raises BrokenModel if the graph cannot be loaded, or has other inputs or outputs.
    """

    def __init__(self, bundle: Bundle, threads: int) -> None:
        """Load the graph; raise BrokenModel if it cannot be served."""
        self.outputs = output_names(bundle)
        self.targets = len(bundle.manifest.targets)
        self.session = load(bundle, threads)
        self.inputs = {node.name for node in self.session.get_inputs()}
        self.order = Order(bundle.manifest.inputs) if has_trees(bundle.model_file) else None
        missing = set(self.outputs) - {node.name for node in self.session.get_outputs()}
        if missing or not self.inputs <= {"numeric", "categorical"}:
            raise BrokenModel(
                f"{bundle.model_file} must have the inputs numeric and categorical and the "
                f"outputs {self.outputs}. Got inputs {sorted(self.inputs)} and no output "
                f"{sorted(missing)} instead. Train the model again"
            )

    def score(self, frame: Frame) -> Scores:
        """Return the scores of a batch; probabilities have PROBABILITY_DIGITS decimals."""
        first, *rest = self.run(frame)
        if self.targets > 1:
            labels = by_row(first, self.targets, are_numbers=self.outputs == ["prediction"])
        elif self.outputs == ["prediction"]:
            labels = readable(first.ravel())
        else:
            labels = first.tolist()
        if not rest:
            return Scores(labels, None)
        return Scores(labels, np.round(rest[0].astype(np.float64), PROBABILITY_DIGITS).tolist())

    def run(self, frame: Frame) -> list[Any]:
        """Return the outputs of the graph; large batches for a forest are sorted by `z_order`."""
        # Not by contract.onnx_session.run, which looks up the inputs and cuts batches at each call.
        feeds = {name: getattr(frame, name) for name in self.inputs}
        if self.order is None or len(frame.numeric) < WORTH_IT:
            return list(self.session.run(self.outputs, feeds))
        order = self.order(frame.numeric)
        back = np.argsort(order)
        sorted_feeds = {name: values[order] for name, values in feeds.items()}
        return [output[back] for output in self.session.run(self.outputs, sorted_feeds)]


def output_names(bundle: Bundle) -> list[str]:
    """Return the outputs that the graph must have."""
    if bundle.manifest.task == "regression":
        return ["prediction"]
    if bundle.manifest.anomaly is not None:
        return ["label", ANOMALY_SCORE]
    return ["label", "probabilities"] if bundle.has_probabilities else ["label"]


def by_row(values: Any, targets: int, *, are_numbers: bool) -> list[tuple[Any, ...]]:
    """Return values (rows, targets) as a tuple for each row: numbers, or true and false."""
    cells = readable(values.ravel()) if are_numbers else values.ravel().astype(bool).tolist()
    return list(zip(*[iter(cells)] * targets, strict=True))


def readable(numbers: Any) -> list[Any]:
    """Return floats that print no more digits than their type holds.

    A float32 as a Python float would print rounding noise.
    """
    if numbers.dtype == np.float64:
        return list(numbers.tolist())
    return [float(str(number)) for number in numbers]


def load(bundle: Bundle, threads: int) -> Any:
    """Return an onnxruntime session of the model; raise BrokenModel if it cannot be loaded."""
    try:
        return open_session(bundle.model_file, threads)
    except Exception as error:  # onnxruntime's exceptions share no base of their own
        raise BrokenModel(
            f"{bundle.model_file} must be an ONNX model that onnxruntime "
            f"{version('onnxruntime')} can load. Got instead: {error}"
        ) from error
