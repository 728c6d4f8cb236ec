"""The hot route: a prediction without a framework in its way.

It is a plain ASGI endpoint. It skips FastAPI's routing, dependency injection, validation and
response classes, which together cost several times what the model costs. That is safe because
nothing they would check is left out: the body is decoded by types compiled from the manifest
(`serve.schema`), every refusal is one of `serve.errors`, and the OpenAPI document that FastAPI
publishes for this route is made from the same types.
"""

from __future__ import annotations

import traceback
from time import perf_counter

from serve.errors import InternalError, Refusal
from serve.http import (
    JSON,
    Disconnected,
    Receive,
    Scope,
    Send,
    read_body,
    refuse,
    require_json,
    respond,
)
from serve.journal import Journal
from serve.service import Service
from serve.trace import Trace, Tracer
from serve.wire import Wire


class PredictRoute:
    """Answers predictions in one wire form."""

    def __init__(self, service: Service, wire: Wire, route: str) -> None:
        self.service = service
        self.wire = wire
        self.route = route
        self.limit = service.settings.max_body_bytes
        self.trace = Tracer()
        self.journal = Journal(service, route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begin = perf_counter()
        headers = dict(scope["headers"])
        trace = self.trace(headers)
        try:
            require_json(scope, headers)
            body = await read_body(receive, headers, self.limit)
            rows, request = self.wire.read(body)
            scores = await self.service.score(rows)
            answer = self.wire.write(scores, request)
        except Disconnected:
            return
        except Refusal as refusal:
            await self.refuse(receive, send, trace, refusal)
        except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer
            self.service.log.event(
                "error", level="error", id=trace.id, traceback=traceback.format_exc()
            )
            await self.refuse(
                receive, send, trace, InternalError("The server failed; see its log.")
            )
        else:
            seconds = perf_counter() - begin
            self.service.metrics.request(self.route, 200)
            self.service.metrics.latency(seconds)
            self.journal(trace, body, answer, len(rows), seconds)
            await respond(send, 200, answer, [(b"content-type", JSON), *trace.headers])

    async def refuse(self, receive: Receive, send: Send, trace: Trace, refusal: Refusal) -> None:
        self.service.metrics.request(self.route, refusal.status)
        self.service.log.event(
            "refused", id=trace.id, route=self.route, status=refusal.status, error=str(refusal)
        )
        await refuse(receive, send, refusal, trace.headers)
