"""What no other run of the tests has: two of them may share one engine and one machine."""

from __future__ import annotations

import secrets
import socket

RUN = secrets.token_hex(4)  # of this process: each worker of a run has its own


def free_address() -> str:
    """Return an address of this machine, as host:port, on which nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"
