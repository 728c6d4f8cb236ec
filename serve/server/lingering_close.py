"""The end of a connection on which the client may still be sending.

Closing a socket resets the connection if bytes arrive after it, and a client that is still sending
then loses the answer that tells it why to stop. So the server says at once that it will send no
more, and closes when the client has done so too, or has sent too much, or for too long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

MOST = 32 * 1024 * 1024  # bytes that are thrown away


class Transport:
    """A connection's transport whose `close` asks first whether more may be arriving.

    `keep_reading` returns whether it is; if so, the protocol ends the connection by `abort`, and
    uvloop does when the client has closed its side.
    """

    def __init__(self, transport: asyncio.Transport, keep_reading: Callable[[], bool]) -> None:
        self.transport = transport
        self.keep_reading = keep_reading
        self.lingers = False
        self.write = transport.write

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def is_closing(self) -> bool:
        return self.lingers or self.transport.is_closing()

    def close(self) -> None:
        """Send what was written, and no more; then close, now or when the client is done."""
        if self.is_closing():
            return
        if self.keep_reading():
            self.lingers = True
            self.transport.write_eof()
        else:
            self.close_now()

    def close_now(self) -> None:
        """Send what was written, and close, whatever still arrives."""
        self.transport.close()
