"""What an image adds to its base, and how much of it models share."""

from __future__ import annotations

import io
import tarfile

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


def test_no_file_carries_the_time_of_its_build(build_model: BuildModel) -> None:
    """Every file that an image adds has the time 0, so that models share each equal layer."""
    archive = build_model("penguins").archive
    for layer in base_image.own_layers(archive):
        with tarfile.open(fileobj=io.BytesIO(archive.blob(layer["digest"]))) as content:
            assert {file.name for file in content if file.mtime} == set()
