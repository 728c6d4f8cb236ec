"""The routes below FastAPI, each with what FastAPI's document says of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from serve import paths, probes
from serve.answers import Answers
from serve.fast import PredictRoute
from serve.wire.native import NativeWire

if TYPE_CHECKING:
    from serve.http import Application
    from serve.service import Service


class FastRoute(NamedTuple):
    """An endpoint that needs no framework."""

    path: str
    method: str
    endpoint: Application
    summary: str
    requests: tuple[Any, ...]  # the types of the JSON bodies it takes
    answers: tuple[Any, ...]  # and gives; none for a GET that answers with text


def fast_routes(service: Service) -> list[FastRoute]:
    """Return the routes that are answered without FastAPI."""
    return [*probe_routes(service), *predict_routes(service)]


def probe_routes(service: Service) -> list[FastRoute]:
    answers = {
        paths.HEALTH: (probes.health, (probes.Health,)),
        paths.READY: (probes.ready, (probes.Ready,)),
        paths.METRICS: (probes.metrics, ()),
    }
    return [
        FastRoute(
            path,
            "GET",
            probes.probe(service, path, partial(answer, service)),
            str(answer.__doc__),
            (),
            types,
        )
        for path, (answer, types) in answers.items()
    ]


def predict_routes(service: Service) -> list[FastRoute]:
    schema = service.schema
    answers = Answers(service.bundle)
    wire = NativeWire(schema, answers)
    return [
        FastRoute(
            paths.PREDICT,
            "POST",
            PredictRoute(service, wire, paths.PREDICT),
            "Predict one row, or many.",
            (schema.one, schema.many),
            (answers.answer, answers.answer_list),
        )
    ]
