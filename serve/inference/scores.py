"""What runs the model: onnxruntime, or scikit-learn for a model that ONNX cannot hold.

Each runtime is imported only when its kind of bundle is served, for an image holds only one.
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
    """The answers to a batch, one of each per row."""

    labels: Sequence[Label]
    probabilities: list[list[float]] | None  # in the order of the manifest's classes


class Runtime(Protocol):
    """Scores a batch, in whichever thread calls it."""

    def score(self, frame: Frame) -> Scores:
        """Return one label per row, and its probabilities if the model classifies."""


def load(bundle: Bundle, threads: int) -> Runtime:
    """Load the model of a verified bundle; raise WrongLibrary or BrokenModel."""
    if bundle.manifest.runtime == "onnx":
        from serve.inference.onnx_runtime import OnnxRuntime

        return OnnxRuntime(bundle, threads)
    from serve.inference.sklearn_runtime import EstimatorRuntime

    return EstimatorRuntime(bundle)
