"""The prediction routes: plain ASGI endpoints, so that no framework costs time on the way.

They skip FastAPI's routing, dependency injection, validation and response classes, which together
cost several times what the model costs. Nothing that those would check is left out: the body is
decoded by types compiled from the manifest (`serve.validation.schema`), every refusal is one of
`serve.errors`, and the OpenAPI document that FastAPI publishes for these routes is made from the
same types.

A request waits for the batch that it is scored with. Counting, logging and answering are done for
all requests of a batch in one loop, as soon as the batch is scored.
"""

from __future__ import annotations

import asyncio
import traceback
from time import perf_counter
from typing import TYPE_CHECKING, Any

from serve.api.prediction_log import PredictionLog
from serve.api.tracing import Tracer
from serve.errors import InternalError, Refusal
from serve.http import (
    JSON,
    Disconnected,
    read_body,
    refuse,
    require_plain,
    require_post,
    respond,
    respond_at_once,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from serve.api.service import Service
    from serve.api.tracing import Trace
    from serve.codecs.codec import Codec
    from serve.http import Receive, Scope, Send
    from serve.inference.scores import Scores
    from serve.validation.schema import Row

JSON_TYPE = (b"content-type", JSON)


class PredictRoute:
    """Answers predictions on one path, in one request format."""

    def __init__(self, service: Service, codec: Codec, route: str) -> None:
        self.service = service
        self.codec = codec
        self.route = route
        self.limit = service.settings.max_body_bytes
        self.trace = Tracer()
        self.prediction_log = PredictionLog(service, route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI); whatever goes wrong, the client gets an answer."""
        prediction = Prediction(self, scope, send)
        try:
            require_post(scope)
            if b"content-encoding" in prediction.headers:
                require_plain(prediction.headers)
            self.codec.check_headers(prediction.headers)
            batcher = self.service.admit()  # before the body: refusals must be cheap
            prediction.body = await read_body(
                receive, prediction.headers, self.limit, self.service.unfinished
            )
            prediction.rows, prediction.form = self.codec.read(prediction.body)
            batcher.submit(prediction)
            await prediction.finish()
        except Disconnected:
            pass
        except Refusal as refusal:
            await self.refuse(scope, send, prediction.trace, refusal)
        except Exception:  # noqa: BLE001 - whatever it is, the client gets an answer
            identity, lines = prediction.trace.id.decode(), traceback.format_exc()
            self.service.log.event("error", level="error", id=identity, traceback=lines)
            failure = InternalError("The server failed; see its log.")
            await self.refuse(scope, send, prediction.trace, failure)

    async def refuse(self, scope: Scope, send: Send, trace: Trace, refusal: Refusal) -> None:
        """Count, log and send a refusal."""
        self.service.refused(self.route, refusal, id=trace.id.decode())
        await refuse(scope, send, refusal, trace.headers)


class Prediction:
    """One request, from its first byte to its answer."""

    __slots__ = (
        "begin",
        "body",
        "content",
        "form",
        "future",
        "headers",
        "route",
        "rows",
        "scope",
        "send",
        "trace",
    )  # fmt: skip

    def __init__(self, route: PredictRoute, scope: Scope, send: Send) -> None:
        self.begin = perf_counter()
        self.route = route
        self.scope = scope
        self.send = send
        self.headers = dict(scope["headers"])
        self.trace = route.trace(self.headers)
        self.body = b""
        self.rows: Sequence[Row] = ()
        self.form: Any = None
        self.future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def answer(self, scores: Scores) -> None:
        """Write, count, log and send the answer, as one of those of a batch.

        Whatever fails here is raised by `finish`, in the request's own task.
        """
        route = self.route
        try:
            self.content = route.codec.write(scores, self.form)
            seconds = perf_counter() - self.begin
            route.service.metrics.prediction(route.route, seconds)
            route.prediction_log(self.trace, self.body, self.content, len(self.rows), seconds)
            self.future.set_result(
                respond_at_once(self.scope, self.send, 200, self.content, self.answer_headers)
            )
        except Exception as error:  # noqa: BLE001 - the request's own task answers it
            self.fail(error)

    @property
    def answer_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers of a successful answer: its content type and the request's trace."""
        return [JSON_TYPE, *self.trace.headers]

    def fail(self, error: Exception) -> None:
        """Let `finish`, which the request's own task awaits, raise `error`."""
        self.future.set_exception(error)

    async def finish(self) -> None:
        """Wait for the answer; send it as ASGI messages where `answer` could not write it."""
        if not await self.future:
            await respond(self.scope, self.send, 200, self.content, self.answer_headers)
