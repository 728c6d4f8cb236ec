"""The limit of ASGI: an application that sends a constant and reads nothing."""

from __future__ import annotations

from typing import Any

BODY = b'{"prediction":"setosa","probability":1.0,"probabilities":[1.0,0.0,0.0]}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    """Send the constant answer."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
