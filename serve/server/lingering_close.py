"""Close a connection on which the client may still be sending (RFC 9112, 9.6).

Closing a socket resets the connection if bytes arrive after it, and a client that is still sending
then loses the answer that tells it why to stop. So the server closes its sending side at once, and
the rest when the client has done so too, or has sent too much, or for too long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

MOST = 32 * 1024 * 1024  # bytes that are ignored before the connection is aborted


class Transport:
    """A transport whose `close` first asks, by `keep_reading`, whether more may be arriving.

    If it returns true, uvloop ends the connection when the client has closed its side, or the
    protocol does by `abort`.
    """

    def __init__(self, transport: asyncio.Transport, keep_reading: Callable[[], bool]) -> None:
        self.transport = transport
        self.keep_reading = keep_reading
        self.lingers = False
        self.write = transport.write

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def is_closing(self) -> bool:
        """Return whether no more can be written."""
        return self.lingers or self.transport.is_closing()

    def close(self) -> None:
        """Send what was written; then close, now or when the client has closed its side."""
        if self.is_closing():
            return
        if self.keep_reading():
            self.lingers = True
            self.transport.write_eof()
        else:
            self.close_now()

    def close_now(self) -> None:
        """Send what was written and close, even if more arrives."""
        self.transport.close()
