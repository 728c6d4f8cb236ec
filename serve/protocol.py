"""HTTP connections that are not held open by clients who do not finish their requests.

uvicorn waits for ever for the rest of a request. Here each connection notes since when it has
been receiving, and one sweep over all connections, every tick of the server, ends the late ones:
cheaper than a timer for each request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

ANSWER = (
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%b"
)
PROBLEM = b'{"error":"The request must arrive whole within REQUEST_SECONDS."}'


class PunctualProtocol(HttpToolsProtocol):
    """A connection that knows since when it has been waiting for the rest of a request."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.receiving_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.receiving_since = self.loop.time()

    def on_message_begin(self) -> None:
        self.receiving_since = self.loop.time()
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self.receiving_since = None
        super().on_message_complete()

    def end_if_late(self, deadline: float) -> bool:
        """Answer 408 and close the connection if it began to receive before `deadline`."""
        if self.receiving_since is None or self.receiving_since > deadline:
            return False
        self.receiving_since = None
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(ANSWER % (len(PROBLEM), PROBLEM))
        self.transport.close()
        return True
