"""What uvicorn's HTTP protocol lacks here: limits, punctuality, and answers in one write.

All lean on the inside of `HttpToolsProtocol`; uvicorn is locked by hash, and the tests of slow and
odd clients and of answers fail if its inside changes.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from serve.errors import HeadTooLarge, Late, MalformedRequest
from serve.http import AT_ONCE, JSON, encode

if TYPE_CHECKING:
    import asyncio

    from serve.errors import Refusal
    from serve.http import Pairs, Send
    from serve.service import Service

LONGEST_HEAD = 64 * 1024  # bytes
UPGRADE = re.compile(rb"(?im)^upgrade:")
STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


class Protocol(HttpToolsProtocol):
    """A connection that is not held open for ever, and that can answer at once.

    uvicorn waits without end for the rest of a request, for a reader of its answer, and for the end
    of a header. Here each connection notes since when it has been receiving or sending, and the
    server sweeps them: cheaper than a timer for each request.
    """

    def __init__(self, *arguments: Any, service: Service, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.service = service
        self.receiving_since: float | None = None
        self.sending_since = 0.0
        self.unsent = 0
        self.overhead = 0  # bytes of this request that are not its body
        self.active: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.receiving_since = self.loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        self.abandon()
        super().connection_lost(exc)

    def abandon(self) -> None:
        """Tell the request that is being answered that nobody waits; uvicorn tells the latest."""
        if self.active is not None:
            self.active.disconnected = True
            self.active.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.active = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        """Parse what came; refuse a head that does not end, or a trailer, or the like."""
        if b"pgrade:" in data:  # nothing to upgrade to: Java's client and curl --http2 ask in vain,
            data = UPGRADE.sub(b"x-upgrade:", data)  # and the parser would lose their body
        self.overhead += len(data)
        super().data_received(data)
        if self.overhead > LONGEST_HEAD and self.receiving_since is not None:
            self.end(HeadTooLarge())

    def on_message_begin(self) -> None:
        self.receiving_since = self.loop.time()
        self.overhead = 0
        super().on_message_begin()
        self.scope["extensions"] = EXTENSIONS

    def on_body(self, body: bytes) -> None:
        self.overhead -= 9 * len(body)  # even in chunks of one byte it has less than that around it
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.receiving_since = None
        super().on_message_complete()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Answer a whole request of a client that sends no more, which uvicorn drops."""
        unanswered = self.cycle is not None and not self.cycle.response_complete
        if unanswered:
            self.cycle.keep_alive = False
        return unanswered and self.receiving_since is None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's
        self.end(MalformedRequest("The request must be HTTP/1.1. Got something else instead."))

    def end(self, refusal: Refusal) -> None:
        """Send a refusal, unless an answer has begun, and close the connection."""
        self.receiving_since = None
        self.service.refused("other", refusal)
        if self.active is None or self.active.response_complete or not self.active.response_started:
            body = encode(refusal.problem)
            head = b"connection: close\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n" % (
                JSON,
                len(body),
            )
            self.transport.write(STATUS_LINES[refusal.status] + head + body)
        self.abandon()
        self.transport.close()

    def end_if_late(self, now: float, seconds: float) -> None:
        """End the connection if a request has not come, or an answer has not gone, in time."""
        if self.receiving_since is not None and now - self.receiving_since > seconds:
            self.end(Late("The request must arrive whole within REQUEST_SECONDS."))
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self.unsent:
            self.unsent = unsent
            self.sending_since = now
        elif now - self.sending_since > seconds:
            self.service.refused("other", Late("The answer must be read within REQUEST_SECONDS."))
            self.transport.abort()


def answer_at_once(send: Send, status: int, headers: Pairs, body: bytes) -> bool:
    """Write a whole answer with one system call, where ASGI's two messages make two.

    Return False, and write nothing, where the long way must be gone: to a slow reader, or if
    `send` is not uvicorn's own.
    """
    cycle = getattr(send, "__self__", None)
    if not isinstance(cycle, RequestResponseCycle) or cycle.flow.write_paused:
        return False
    if cycle.disconnected:
        return True
    lines = [b"%b: %b\r\n" % header for header in (*cycle.default_headers, *headers)]
    if not cycle.keep_alive:
        lines.append(b"connection: close\r\n")
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write(b"".join([STATUS_LINES[status], *lines, b"\r\n", body]))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
    return True


EXTENSIONS: Any = {AT_ONCE: answer_at_once}
