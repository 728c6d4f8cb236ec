"""Choose what runs the model: onnxruntime, or scikit-learn for a model that ONNX cannot hold.

A runtime is imported only when a bundle needs it, as each image holds only one of the two.
"""

# ruff: noqa: PLC0415 - an image holds only one of them
from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from contract.bundle import Bundle, Label

if TYPE_CHECKING:
    from serve.inference.arrays import Frame  # and so numpy, before which the port shall be open


class Scores(msgspec.Struct):
    """Answers to a batch: labels (rows,) and, of a classifier, probabilities (rows, classes)."""

    labels: Sequence[Label]
    probabilities: list[list[float]] | None  # in the order of the manifest's classes


class Runtime(Protocol):
    """Scores batches; any thread may call it."""

    def score(self, frame: Frame) -> Scores:
        """Return one label per row and, if the model has them, its probabilities."""


def load(bundle: Bundle, threads: int) -> Runtime:
    """Load the model of a verified bundle.

    Raises WrongLibrary if a library is missing or of another version, BrokenModel if the model
    cannot be loaded.
    """
    if bundle.manifest.runtime == "onnx":
        from serve.inference.onnx_runtime import OnnxRuntime

        return OnnxRuntime(bundle, threads)
    from serve.inference.sklearn_runtime import EstimatorRuntime

    return EstimatorRuntime(bundle)
