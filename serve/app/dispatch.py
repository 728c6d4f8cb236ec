"""The application that the server runs: the fast routes first, FastAPI for all others.

FastAPI takes longer to import than the rest of the server takes to start, and as much memory as the
model. So it is imported, in a thread, when the first request for one of its routes comes.
"""

# ruff: noqa: PLC0415 - FastAPI is imported when it is needed
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from serve.api.routes import fast_routes

if TYPE_CHECKING:
    from serve.api.service import Service
    from serve.http import Application, Receive, Scope, Send


class Dispatcher:
    """An ASGI application that answers the fast routes itself and passes the others to FastAPI."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.routes = fast_routes(service)
        self.fast = {route.path: route.endpoint for route in self.routes}
        self.framework: asyncio.Task[Application] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or the start and stop of the server."""
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif (endpoint := self.fast.get(scope["path"])) is not None:
            await endpoint(scope, receive, send)
        else:
            application = await self.application()
            await application(scope, receive, send)

    async def application(self) -> Application:
        """Return the FastAPI application; the first call makes it."""
        if self.framework is None:
            self.framework = asyncio.create_task(asyncio.to_thread(framework, self))
        return await asyncio.shield(self.framework)

    async def lifespan(self, receive: Receive, send: Send) -> None:
        """Answer the start-up and shutdown events (ASGI Lifespan Protocol 2.0)."""
        await receive()
        self.service.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


def framework(dispatcher: Dispatcher) -> Application:
    """Import FastAPI and return its application around the routes of `dispatcher`."""
    from serve.app.app import build

    return build(dispatcher.service, dispatcher.routes)
