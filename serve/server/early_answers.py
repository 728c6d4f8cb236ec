"""Write a whole HTTP answer at once, below uvicorn's own way to send it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from serve.http import AT_ONCE

if TYPE_CHECKING:
    from serve.http import Pairs, Send

STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}


def answer_at_once(send: Send, status: int, headers: Pairs, body: bytes) -> bool:
    """Write a whole answer with one system call, where ASGI's two messages take two.

    Return False, and write nothing, where ASGI's messages must be sent instead: while the client
    reads too slowly, and where `send` is not uvicorn's own. Return True for a client that left.
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
