"""The OpenAPI 3.1 document: FastAPI's routes, with schemas of the types that decode requests.

The schemas are JSON Schema 2020-12, as OpenAPI 3.1 has them and msgspec writes them.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi.openapi.utils import get_openapi

from contract.bundle import Manifest
from serve.api import paths
from serve.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastapi import FastAPI

    from serve.api.routes import FastRoute
    from serve.api.service import Service
    from serve.validation.schema import Schema

REFS = "#/components/schemas/{name}"
REFUSALS = {
    400: "The body is not JSON that means one thing.",
    405: "The method is another.",
    408: "The request did not arrive in time.",
    413: "The body is too large.",
    415: "The body is not said to be JSON.",
    422: "A row is not what the model was trained on; the answer names row and field.",
    503: "Not ready, or too busy: try again after Retry-After.",
}


def describe(app: FastAPI, routes: Sequence[FastRoute], service: Service) -> None:
    """Make the application's document hold the bodies of the fast routes, and their schemas.

    FastAPI would leave out whatever is null, and names that begin with `_sa`.
    """

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            for route in filter(attrgetter("requests"), routes):
                operation = app.openapi_schema["paths"][route.path][route.method.lower()]
                operation["requestBody"] = request_body(route, service)
            app.openapi_schema["components"] = {"schemas": components(routes, service.schema)}
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def components(routes: Sequence[FastRoute], schema: Schema) -> dict[str, Any]:
    """Return the JSON Schemas of everything that the routes take and answer, by name."""
    types = {Problem, Manifest}.union(*(route.requests + route.answers for route in routes))
    _, schemas = msgspec.json.schema_components(
        sorted(types, key=lambda kind: str(kind.__name__)), ref_template=REFS
    )
    row = schemas[schema.named.__name__]
    row["properties"] = {schema.names[name]: kind for name, kind in row["properties"].items()}
    row["required"] = [schema.names[name] for name in row["required"]]
    return schemas


def responses(route: FastRoute) -> dict[int | str, dict[str, Any]]:
    """Return what a fast route answers, by status."""
    answers: dict[int | str, dict[str, Any]] = {
        200: {"description": "The answer.", "content": content(route.answers)}
    }
    if paths.READY.strip("/") in route.path:
        answers[503] = {"description": "Not ready.", "content": content(route.answers)}
    if route.requests:
        for status, description in REFUSALS.items():
            answers[status] = {"description": description, "content": content((Problem,))}
    return answers


def request_body(route: FastRoute, service: Service) -> dict[str, Any]:
    """Return the request body of a fast route, with the golden examples as its examples."""
    body = content(route.requests)
    examples = [example.features for example in service.bundle.examples[:3]]
    if route.path in (paths.PREDICT, paths.INVOCATIONS):
        body["application/json"]["examples"] = {
            "one row": {"value": {"features": examples[0]}},
            "many rows": {"value": {"instances": examples}},
        }
    return {"required": True, "content": body}


def content(types: Sequence[Any]) -> dict[str, Any]:
    """Return the JSON content of one of `types`; of none it is text."""
    if not types:
        return {"text/plain": {"schema": {"type": "string"}}}
    refs = [{"$ref": REFS.format(name=kind.__name__)} for kind in types]
    return {"application/json": {"schema": refs[0] if len(refs) == 1 else {"anyOf": refs}}}
