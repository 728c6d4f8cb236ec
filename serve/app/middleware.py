"""What surrounds FastAPI's own routes: counting, and errors in the form of all other routes."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from fastapi import Request, Response
from starlette.exceptions import HTTPException

from serve.errors import InternalError, Problem, Refusal
from serve.http import encode

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from serve.api.service import Service
    from serve.monitoring.metrics import Metrics


class Counter:
    """ASGI middleware that counts requests by route and status, save those of paths in `skip`."""

    def __init__(self, app: ASGIApp, metrics: Metrics, skip: set[str]) -> None:
        self.app = app
        self.metrics = metrics
        self.skip = skip

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count it when its answer begins."""
        if scope["type"] != "http" or scope["path"] in self.skip:
            await self.app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.metrics.request(scope["path"], message["status"])
            await send(message)

        await self.app(scope, receive, counted)


def exception_handlers(service: Service) -> dict[Any, Any]:
    """Return FastAPI's handlers: errors become Problems, and faults of the server are logged."""

    async def refusal(_: Request, error: Refusal) -> Response:
        return problem(error.status, error.problem)

    async def http_error(request: Request, error: HTTPException) -> Response:
        words = f"{error.detail}: {request.method} {request.url.path}. See /docs for the routes."
        return problem(error.status_code, Problem(words), error.headers)

    async def failure(_: Request, error: Exception) -> Response:
        lines = "".join(traceback.format_exception(error))
        service.log.event("error", level="error", traceback=lines)
        return problem(InternalError.status, Problem("The server failed; see its log."))

    return {Refusal: refusal, HTTPException: http_error, Exception: failure}


def problem(status: int, body: Problem, headers: Any = None) -> Response:
    """Return a response whose body is the Problem."""
    return Response(encode(body), status, headers, media_type="application/json")
