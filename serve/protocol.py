"""What uvicorn's HTTP protocol lacks here: punctuality, and answers in one write.

Both lean on the inside of `HttpToolsProtocol`; uvicorn is locked by hash, and the tests of slow
clients and of answers fail if its inside changes.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from serve.http import AT_ONCE

if TYPE_CHECKING:
    import asyncio

    from serve.http import Pairs, Send

LATE = b'{"error":"The request must arrive whole within REQUEST_SECONDS."}'
LATE_ANSWER = (
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(LATE), LATE)
)
STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


class Protocol(HttpToolsProtocol):
    """A connection that is not held open for ever, and that can answer at once.

    uvicorn waits without end for the rest of a request. Here each connection notes since when it
    has been receiving, and the server sweeps them: cheaper than a timer for each request.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.receiving_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.receiving_since = self.loop.time()

    def on_message_begin(self) -> None:
        self.receiving_since = self.loop.time()
        super().on_message_begin()
        self.scope["extensions"] = EXTENSIONS

    def on_message_complete(self) -> None:
        self.receiving_since = None
        super().on_message_complete()

    def end_if_late(self, deadline: float) -> bool:
        """Answer 408 and close the connection if it began to receive before `deadline`."""
        if self.receiving_since is None or self.receiving_since > deadline:
            return False
        self.receiving_since = None
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(LATE_ANSWER)
        self.transport.close()
        return True


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
