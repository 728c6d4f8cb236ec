"""Ask the server in this container whether it is ready, for HEALTHCHECK."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from serve.errors import NotReady

if TYPE_CHECKING:
    from serve.settings import Settings

SECONDS = 3
REQUEST = b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where one connects


def healthcheck(settings: Settings) -> None:
    """Ask /ready; raise NotReady unless it answers 200 within SECONDS."""
    host = ANYWHERE.get(settings.host, settings.host)
    try:
        with socket.create_connection((host, settings.listen_port), timeout=SECONDS) as connection:
            connection.sendall(REQUEST)
            answer = connection.recv(4096)
    except OSError as error:
        raise NotReady(f"/ready must answer. Got instead: {error}.") from error
    if not answer.startswith(b"HTTP/1.1 200 "):
        status = answer.partition(b"\r\n")[0].decode("latin-1")
        raise NotReady(f"/ready must answer 200. Got {status or 'nothing'!r} instead.")
