"""The routes that machines ask often: /health, /ready and /metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from serve.api import paths
from serve.errors import WrongMethod
from serve.http import Application, Receive, Scope, Send, encode, refuse, respond

if TYPE_CHECKING:
    from collections.abc import Callable

    from serve.api.service import Service

JSON = [(b"content-type", b"application/json")]
TEXT = [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")]


class Health(msgspec.Struct):
    """The answer of /health."""

    status: str
    model: str
    version: str


class Ready(msgspec.Struct, omit_defaults=True):
    """The answer of /ready, ready or not."""

    status: str
    error: str = ""


def probe(service: Service, route: str, answer: Callable[[], tuple[int, bytes]]) -> Application:
    """Return an ASGI endpoint for GET and HEAD that reads nothing of the request.

    It counts each request as one of `route`, and answers any other method with 405.
    """

    async def endpoint(scope: Scope, _: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            service.metrics.request(route, 405)
            problem = WrongMethod("GET, HEAD", scope["method"])
            await refuse(scope, send, problem, [])
            return
        status, body = answer()
        service.metrics.request(route, status)
        await respond(scope, send, status, body, TEXT if route == paths.METRICS else JSON)

    return endpoint


def health(service: Service) -> tuple[int, bytes]:
    """Answer 200 for as long as the process works."""
    manifest = service.manifest
    return 200, encode(Health("ok", manifest.name, manifest.version))


def ready(service: Service) -> tuple[int, bytes]:
    """Answer 200 when the golden examples were answered and the process is not draining."""
    if service.unready:
        return 503, encode(Ready("unready", service.unready))
    return 200, encode(Ready("ready"))


def metrics(service: Service) -> tuple[int, bytes]:
    """Print every counter in the Prometheus text exposition format 0.0.4."""
    in_flight = service.batcher.in_flight if service.batcher else 0
    return 200, service.metrics.text(ready=not service.unready, in_flight=in_flight).encode()
