"""The application that the server runs: the fast routes first, FastAPI for all others.

FastAPI takes longer to import than the rest of the server takes to start, and as much memory as
the model, so it is made when the first request for one of its routes comes, in a thread.
"""

# ruff: noqa: PLC0415 - FastAPI is imported when it is needed
from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from serve.api.routes import fast_routes

if TYPE_CHECKING:
    from serve.api.service import Service
    from serve.http import Application, Receive, Scope, Send


class Front:
    """An ASGI application."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.routes = fast_routes(service)
        self.fast = {route.path: route.endpoint for route in self.routes}
        self.framework: asyncio.Task[Application] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        elif (endpoint := self.fast.get(scope["path"])) is not None:
            await endpoint(scope, receive, send)
        else:
            application = await self.application()
            await application(scope, receive, send)

    async def application(self) -> Application:
        if self.framework is None:
            self.framework = asyncio.create_task(asyncio.to_thread(framework, self))
        return await asyncio.shield(self.framework)

    async def lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self.service.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})


def framework(front: Front) -> Application:
    from serve.app.app import build

    return build(front.service, front.routes)
