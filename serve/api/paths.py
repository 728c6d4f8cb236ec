"""The path of every route, in one place: the metrics count by these and by no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contract.bundle import Manifest
    from serve.settings import Settings

PREDICT, INVOCATIONS = "/predict", "/invocations"
HEALTH, READY, PING, METRICS = "/health", "/ready", "/ping", "/metrics"
METADATA, DOCS, OPENAPI, HOME = "/metadata", "/docs", "/openapi.json", "/"
V1 = "/v1/models"
V2, V2_LIVE, V2_READY = "/v2", "/v2/health/live", "/v2/health/ready"


def v1_models(manifest: Manifest) -> list[str]:
    """Return the version 1 paths of the model, without and with its version."""
    model = f"{V1}/{manifest.name}"
    return [model, f"{model}/versions/{manifest.version}"]


def v1_predict(manifest: Manifest) -> list[str]:
    """Return the paths that predict in version 1 of KServe's protocol and in TensorFlow Serving."""
    return [f"{model}:predict" for model in v1_models(manifest)]


def v2_models(manifest: Manifest) -> list[str]:
    """Return the version 2 paths of the model, without and with its version."""
    model = f"/v2/models/{manifest.name}"
    return [model, f"{model}/versions/{manifest.version}"]


def v2_infer(manifest: Manifest) -> list[str]:
    """Return the paths that predict in version 2 (the Open Inference Protocol)."""
    return [f"{model}/infer" for model in v2_models(manifest)]


def v2_model_ready(manifest: Manifest) -> list[str]:
    """Return the paths that say in version 2 whether the model is ready."""
    return [f"{model}/ready" for model in v2_models(manifest)]


def ready(settings: Settings) -> list[str]:
    """Return the paths that say whether to send requests here, Vertex AI's among them."""
    return [READY, PING, *filter(None, [settings.aip_health_route])]


def instances(manifest: Manifest, settings: Settings) -> list[str]:
    """Return the paths whose body is {"instances": […]}, Vertex AI's among them."""
    return [*v1_predict(manifest), *filter(None, [settings.aip_predict_route])]


def known(manifest: Manifest, settings: Settings) -> list[str]:
    """Return every path of the server; the metrics count by these and by no others."""
    return [
        *(PREDICT, INVOCATIONS, HEALTH, METRICS, METADATA, DOCS, OPENAPI, HOME),
        *(V1, V2, V2_LIVE, V2_READY),
        *v1_models(manifest),
        *ready(settings),
        *instances(manifest, settings),
        *v2_models(manifest),
        *v2_infer(manifest),
        *v2_model_ready(manifest),
    ]
