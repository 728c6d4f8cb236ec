"""The log line of a prediction, joined from bytes that are JSON already.

Inputs and outputs are copied, not encoded again: a strict decoder accepted the request and an
encoder wrote the answer, so both are valid JSON.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from serve.http import encode

if TYPE_CHECKING:
    from serve.api.service import Service
    from serve.api.tracing import Trace


LINE = b'{"time":"%b","level":"info","message":"prediction","id":"%b"%b,"rows":%d,"ms":%.3f%b}\n'


class PredictionLog:
    """Writes one log line per prediction, as LOG_PREDICTIONS, LOG_INPUTS and LOG_MAX_BYTES say."""

    def __init__(self, service: Service, route: str) -> None:
        self.log = service.log
        self.wanted = service.settings.log_predictions
        self.share = service.settings.log_inputs  # of the predictions, from 0 to 1
        self.limit = service.settings.log_max_bytes
        names = {
            "route": route,
            "model": service.manifest.name,
            "version": service.manifest.version,
        }
        self.names = b"".join(
            b',"%b":%b' % (key.encode(), encode(text)) for key, text in names.items()
        )

    def __call__(self, trace: Trace, body: bytes, answer: bytes, rows: int, seconds: float) -> None:
        """Write the line of one prediction: its request and answer as JSON, and its seconds."""
        if not self.wanted:
            return
        if len(body) + len(answer) > self.limit:
            content = b',"omitted":"larger than LOG_MAX_BYTES"'
        elif self.share == 1 or random.random() < self.share:  # noqa: S311 - a sample
            content = b',"inputs":%b,"outputs":%b' % (b" ".join(body.splitlines()), answer)
        else:
            content = b',"outputs":%b' % answer
        if trace.trace_id:
            content = b',"trace_id":"%b"%b' % (trace.trace_id, content)
        self.log.later(LINE % (self.log.now(), trace.id, self.names, rows, seconds * 1000, content))
