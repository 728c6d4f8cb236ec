"""The id of a request, and the trace that it belongs to (W3C Trace Context)."""

from __future__ import annotations

import itertools
import re
import secrets

import msgspec

from serve.http import Pairs

REQUEST_ID = re.compile(rb"[\w.:/+=@-]{1,128}", re.ASCII)
TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Trace(msgspec.Struct):
    """What identifies one request in logs and answers."""

    id: bytes
    trace_id: bytes  # empty when the request is part of no trace
    headers: Pairs  # to send back


class Tracer:
    """Reads X-Request-ID and traceparent (W3C Trace Context); gives an id to a request without one.

    An id that could break a log line or a header is replaced as well. New ids are a random prefix
    of the process and a number: as unique as a UUID, and cheaper.
    """

    def __init__(self) -> None:
        self.prefix = secrets.token_hex(8).encode()
        self.numbers = itertools.count(1)

    def __call__(self, headers: dict[bytes, bytes]) -> Trace:
        """Return the id and trace of a request, by its headers."""
        request_id = headers.get(b"x-request-id")
        if request_id is None or not REQUEST_ID.fullmatch(request_id):
            request_id = b"%b-%x" % (self.prefix, next(self.numbers))
        back = [(b"x-request-id", request_id)]
        parent = headers.get(b"traceparent")
        if parent is None or not TRACEPARENT.fullmatch(parent):
            return Trace(request_id, b"", back)
        back.append((b"traceparent", parent))
        return Trace(request_id, parent[3:35], back)
