"""The log line of a prediction, put together from bytes that are JSON already.

What came and what was answered is copied as it is, not encoded a second time: the request was
accepted by a strict decoder and the answer was written by an encoder, so both are valid JSON.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from serve.service import Service
    from serve.trace import Trace

LINE = (
    '{{"time":"%s","level":"info","message":"prediction","id":"%s","route":{route},"model":{model},'
    '"version":{version},"rows":%d,"ms":%.3f'
)


SPACES = bytes.maketrans(b"\r\n", b"  ")


class Journal:
    """Writes one line per prediction."""

    def __init__(self, service: Service, route: str) -> None:
        self.log = service.log
        self.share = service.settings.log_inputs
        self.limit = service.settings.log_max_bytes
        manifest = service.manifest
        names = {"route": route, "model": manifest.name, "version": manifest.version}
        self.line = LINE.format(**{key: quoted(text) for key, text in names.items()})

    def __call__(self, trace: Trace, body: bytes, answer: bytes, rows: int, seconds: float) -> None:
        line = (self.line % (self.log.now(), trace.id, rows, seconds * 1000)).encode()
        if trace.trace_id:
            line += b',"trace_id":"%b"' % trace.trace_id.encode()
        if len(body) + len(answer) > self.limit:
            line += b',"omitted":"larger than LOG_MAX_BYTES"'
        else:
            if self.share == 1 or random.random() < self.share:  # noqa: S311 - a sample
                line += b',"inputs":' + one_line(body)
            line += b',"outputs":' + answer
        self.log.later(line + b"}\n")


def quoted(text: str) -> str:
    """Return JSON text that % leaves alone."""
    return msgspec.json.encode(text).decode().replace("%", "%%")


def one_line(body: bytes) -> bytes:
    """Return JSON without line ends; inside its strings there are none."""
    return (
        body.replace(b"\r", b" ").replace(b"\n", b" ") if b"\n" in body or b"\r" in body else body
    )
