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
    """Return the paths of the model, without and with its version."""
    model = f"{V1}/{manifest.name}"
    return [model, f"{model}/versions/{manifest.version}"]


def v1_predict(manifest: Manifest) -> list[str]:
    return [f"{model}:predict" for model in v1_models(manifest)]


def v2_models(manifest: Manifest) -> list[str]:
    """Return the paths of the model, without and with its version."""
    model = f"/v2/models/{manifest.name}"
    return [model, f"{model}/versions/{manifest.version}"]


def v2_infer(manifest: Manifest) -> list[str]:
    return [f"{model}/infer" for model in v2_models(manifest)]


def v2_model_ready(manifest: Manifest) -> list[str]:
    return [f"{model}/ready" for model in v2_models(manifest)]


def ready(settings: Settings) -> list[str]:
    """Return the paths that tell whether to send requests."""
    return [READY, PING, *filter(None, [settings.aip_health_route])]


def instances(manifest: Manifest, settings: Settings) -> list[str]:
    """Return the paths that take {"instances": …} as TensorFlow Serving does."""
    return [*v1_predict(manifest), *filter(None, [settings.aip_predict_route])]


def known(manifest: Manifest, settings: Settings) -> list[str]:
    """Return all paths."""
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
