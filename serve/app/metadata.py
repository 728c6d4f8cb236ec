"""GET /metadata: the manifest of the model."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from contract import bundle
from serve.api.service import Service
from serve.app.openapi import content
from serve.http import encode

router = APIRouter()


def service(request: Request) -> Service:
    """Return the service of the application that answers `request`."""
    service: Service = request.app.state.service
    return service


ServiceDependency = Annotated[Service, Depends(service)]


@router.get(
    "/metadata",
    summary="The manifest: inputs, classes, metrics, versions and provenance.",
    responses={200: {"description": "The manifest.", "content": content([bundle.Manifest])}},
    response_class=Response,
)
async def metadata(serving: ServiceDependency) -> Response:
    """Answer with the manifest of the bundle."""
    return Response(encode(serving.manifest), media_type="application/json")
