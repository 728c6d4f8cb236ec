"""What versions 1 and 2 of the inference protocols say about the server and its one model.

Version 1 is KServe's and TensorFlow Serving's, version 2 the Open Inference Protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from serve.codecs.open_inference import Tensor, input_metadata, output_metadata
from serve.http import encode

if TYPE_CHECKING:
    from serve.api.service import Service

PLATFORMS = {"onnx": "onnxruntime_onnx", "joblib": "sklearn_joblib"}


class ServerMetadata(msgspec.Struct):
    """The server, in version 2."""

    name: str
    version: str
    extensions: list[str]


class ModelMetadata(msgspec.Struct):
    """The model, in version 2."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[Tensor]
    outputs: list[Tensor]


class Live(msgspec.Struct):
    """Whether the server is live, in version 2."""

    live: bool


class ModelReady(msgspec.Struct, omit_defaults=True):
    """Whether the model is ready, in version 2."""

    ready: bool
    error: str = ""


class ModelStatus(msgspec.Struct):
    """The model, in version 1: `ready` is KServe's, `model_version_status` TensorFlow Serving's."""

    name: str
    ready: bool
    model_version_status: list[dict[str, str]]


class Models(msgspec.Struct):
    """All models, in version 1."""

    models: list[str]


def server(service: Service) -> tuple[int, bytes]:
    """Name the server and its revision."""
    return 200, encode(ServerMetadata("model-images", service.manifest.revision, []))


def live(_: Service) -> tuple[int, bytes]:
    """Answer 200 for as long as the process works."""
    return 200, encode(Live(live=True))


def ready(service: Service) -> tuple[int, bytes]:
    """Answer 200 when the model is ready, 503 when it is not."""
    if service.unready:
        return 503, encode(ModelReady(ready=False, error=service.unready))
    return 200, encode(ModelReady(ready=True))


def model(service: Service) -> tuple[int, bytes]:
    """Name the versions, platform, inputs and outputs of the model."""
    manifest = service.manifest
    return 200, encode(
        ModelMetadata(
            manifest.name,
            [manifest.version],
            PLATFORMS[manifest.runtime],
            input_metadata(service.bundle),
            output_metadata(service.bundle),
        )
    )


def models(service: Service) -> tuple[int, bytes]:
    """Name all models; there is one."""
    return 200, encode(Models([service.manifest.name]))


def status(service: Service) -> tuple[int, bytes]:
    """Say whether the model is ready."""
    manifest = service.manifest
    state = "LOADING" if service.unready else "AVAILABLE"
    versions = [{"version": manifest.version, "state": state}]
    return 200, encode(ModelStatus(manifest.name, not service.unready, versions))
