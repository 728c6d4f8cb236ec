"""The sizes of images and layers."""

from __future__ import annotations

import pytest

from ship.build import base_image
from tests.conftest import BuildModel

pytestmark = pytest.mark.engine
LIMIT = 55_000_000  # bytes that an ONNX image adds to its base, compressed


def test_onnx_image_is_small(build_model: BuildModel) -> None:
    """An image whose model is ONNX adds at most 55 MB to the Python it is built on."""
    built = build_model("penguins")
    assert built.manifest.runtime == "onnx"
    assert sum(layer["size"] for layer in base_image.own_layers(built.archive)) <= LIMIT
