"""The path of every route, in one place: the metrics count by these and by no others."""

from __future__ import annotations

PREDICT = "/predict"
PROBES = HEALTH, READY, METRICS = "/health", "/ready", "/metrics"
FRAMEWORK = METADATA, DOCS, OPENAPI = "/metadata", "/docs", "/openapi.json"


def known() -> list[str]:
    """Return all paths."""
    return [PREDICT, *PROBES, *FRAMEWORK]
