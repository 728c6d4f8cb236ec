"""The table of the routes that are answered without FastAPI.

Each has what FastAPI needs to describe it in the OpenAPI document.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from serve.api import health, paths, protocol_metadata
from serve.api.predict import PredictRoute
from serve.codecs.answers import AnswerEncoder
from serve.codecs.native import NativeCodec
from serve.codecs.open_inference import InferenceCodec, InferRequest, InferResponse
from serve.codecs.tensorflow import TensorflowCodec

if TYPE_CHECKING:
    from serve.api.service import Service
    from serve.http import Application

Get = Callable[["Service"], tuple[int, bytes]]


class FastRoute(NamedTuple):
    """An ASGI endpoint and its description for the OpenAPI document."""

    path: str
    method: str
    endpoint: Application
    summary: str
    requests: tuple[Any, ...]  # the types of the JSON bodies it takes
    answers: tuple[Any, ...]  # and gives; none for a GET that answers with text


def fast_routes(service: Service) -> list[FastRoute]:
    """Return the routes that are answered without FastAPI."""
    return [*predict_routes(service), *get_routes(service)]


def get_routes(service: Service) -> list[FastRoute]:
    """Return the routes that need nothing of the request."""
    manifest, settings = service.manifest, service.settings
    table: list[tuple[list[str], Get, Any]] = [
        ([paths.HEALTH], health.health, health.Health),
        (paths.ready(settings), health.ready, health.Ready),
        ([paths.METRICS], health.metrics, None),
        ([paths.V1], protocol_metadata.models, protocol_metadata.Models),
        (paths.v1_models(manifest), protocol_metadata.status, protocol_metadata.ModelStatus),
        ([paths.V2], protocol_metadata.server, protocol_metadata.ServerMetadata),
        ([paths.V2_LIVE], protocol_metadata.live, protocol_metadata.Live),
        (
            [paths.V2_READY, *paths.v2_model_ready(manifest)],
            protocol_metadata.ready,
            protocol_metadata.ModelReady,
        ),
        (paths.v2_models(manifest), protocol_metadata.model, protocol_metadata.ModelMetadata),
    ]
    return [
        get_route(service, path, answer, kind) for group, answer, kind in table for path in group
    ]


def get_route(service: Service, path: str, answer: Get, kind: Any) -> FastRoute:
    """Return a route whose summary is the docstring of `answer`, which must be one line."""
    endpoint = health.probe(service, path, partial(answer, service))
    return FastRoute(path, "GET", endpoint, str(answer.__doc__), (), (kind,) if kind else ())


def predict_routes(service: Service) -> list[FastRoute]:
    """Return the routes that predict, each with its request format."""
    schema, manifest = service.schema, service.manifest
    answers = AnswerEncoder(service.bundle)
    native = NativeCodec(schema, answers)
    tensorflow = TensorflowCodec(schema, answers)
    inference = InferenceCodec(service.bundle, schema)
    one_or_many = (schema.one, schema.many), (answers.answer, answers.answer_list)
    many = (tensorflow.request,), (answers.answer_list,)
    tensors = (InferRequest,), (InferResponse,)
    table: list[tuple[list[str], Any, Any, str]] = [
        ([paths.PREDICT], native, one_or_many, "Predict one row, or many."),
        ([paths.INVOCATIONS], native, one_or_many, "Predict, as SageMaker asks."),
        (
            paths.instances(manifest, service.settings),
            tensorflow,
            many,
            "Predict, as TensorFlow Serving, KServe v1 and Vertex AI ask.",
        ),
        (paths.v2_infer(manifest), inference, tensors, "Predict, by the Open Inference Protocol."),
    ]
    return [
        FastRoute(path, "POST", PredictRoute(service, codec, path), summary, *types)
        for group, codec, types, summary in table
        for path in group
    ]
