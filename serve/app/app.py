"""The FastAPI application: every route, documented from the manifest.

`create_app` returns it complete. The server puts `serve.app.dispatch` before it, which answers the
fast routes by the same endpoints without importing FastAPI.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from serve.api.routes import FastRoute, fast_routes
from serve.api.service import Service
from serve.app import metadata, openapi, pages
from serve.app.fastapi_routes import add_fast_routes
from serve.app.middleware import Counter, exception_handlers
from serve.inference.bundle import open_bundle
from serve.monitoring.logs import Log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from serve.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """Return the application that serves the bundle of `settings`.

    Raises Failure if the bundle must not be served (see `open_bundle`).
    """
    service = Service(open_bundle(settings.bundle), settings, Log())
    return build(service, fast_routes(service))


def build(service: Service, fast: Sequence[FastRoute]) -> FastAPI:
    """Return the application of a service, around its fast routes."""
    app = FastAPI(
        title=service.manifest.name,
        version=service.manifest.version,
        description=service.manifest.description,
        docs_url=None,  # FastAPI's page loads its script from a public host; ours needs no network
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers=exception_handlers(service),
    )
    app.state.service = service
    add_fast_routes(app, fast)
    app.include_router(metadata.router)
    app.include_router(pages.router)
    app.add_middleware(Counter, metrics=service.metrics, skip={route.path for route in fast})
    openapi.describe(app, fast, service)
    return app


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Start to load the model when the ASGI server starts the application."""
    app.state.service.start()
    yield
