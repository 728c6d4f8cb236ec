"""Register the fast ASGI routes with FastAPI, for its OpenAPI document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fastapi import Response

from serve.app.openapi import responses

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fastapi import FastAPI
    from starlette.types import Receive, Scope, Send

    from serve.api.routes import FastRoute
    from serve.http import Application


class EndpointResponse(Response):
    """A response that lets an ASGI endpoint send the answer."""

    def __init__(self, endpoint: Application) -> None:
        super().__init__()
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the endpoint answer."""
        await self.endpoint(scope, receive, send)


def add_fast_routes(app: FastAPI, routes: Sequence[FastRoute]) -> None:
    """Add the routes to `app`, so that its document has them and it is complete by itself."""
    for route in routes:
        app.add_api_route(
            route.path,
            answering_by(route.endpoint),
            methods=[route.method],
            summary=route.summary,
            operation_id=re.sub(r"\W+", "_", route.path.strip("/")),
            response_model=None,
            responses=responses(route),
        )


def answering_by(endpoint: Application) -> Callable[[], Awaitable[Response]]:
    """Return a FastAPI endpoint that answers by the ASGI endpoint."""

    async def route() -> Response:
        return EndpointResponse(endpoint)

    return route
