"""The part of HTTP that is needed below FastAPI: read a body within limits, send an answer.

Scope, Receive and Send are those of the ASGI specification 3.0.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import msgspec

from serve.errors import Refusal, TooLarge, Unavailable, WrongContentType, WrongMethod

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Headers = dict[bytes, bytes]
Pairs = list[tuple[bytes, bytes]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = b"application/json"
JSON_TYPE = re.compile(rb"application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)
AT_ONCE = "serve.at_once"  # the ASGI extension of serve.server.early_answers
NOTHING: dict[str, Any] = {}

encode = msgspec.json.Encoder().encode


class Disconnected(Exception):  # noqa: N818 - it is no error
    """The client left before its request was whole."""


class Unfinished:
    """Limits the bytes of bodies that have begun to arrive, over all connections."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def hold(self, count: int) -> None:
        """Add `count` bytes to what is held; raise Unavailable if that is more than the limit."""
        self.held += count
        if self.held > self.limit:
            raise Unavailable(
                f"Unfinished requests must hold at most {self.limit} bytes together. Got more "
                "instead. Try again."
            )


async def read_body(
    receive: Receive, headers: Headers, limit: int, unfinished: Unfinished
) -> bytes:
    """Return the body of a request.

    Raises TooLarge as soon as it is known to be longer than `limit` bytes, Unavailable when all
    unfinished bodies together hold too much, and Disconnected when the client leaves.
    """
    if int(headers.get(b"content-length", 0)) > limit:
        raise too_large(limit, headers[b"content-length"].decode())
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        body = await read_rest(receive, body, limit, unfinished)
    elif message["type"] == "http.disconnect":
        raise Disconnected
    if len(body) > limit:
        raise too_large(limit, str(len(body)))
    return body


async def read_rest(receive: Receive, piece: bytes, limit: int, unfinished: Unfinished) -> bytes:
    """Return the body that begins with `piece`; raise as `read_body` does."""
    pieces: list[bytes] = []
    held, more = 0, True
    try:
        while held + len(piece) <= limit:
            pieces.append(piece)
            held += len(piece)
            unfinished.hold(len(piece))
            if not more:
                return b"".join(pieces)
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            piece, more = message.get("body", b""), message.get("more_body", False)
    finally:
        unfinished.held -= held
    raise too_large(limit, "more")


def too_large(limit: int, got: str) -> TooLarge:
    """Return the refusal of a body that is longer than `limit` bytes."""
    return TooLarge(
        f"The body must be at most {limit} bytes (the setting MAX_BODY_BYTES). Got {got} instead. "
        "Send fewer rows in one request."
    )


def require_post(scope: Scope) -> None:
    """Check the method; raise WrongMethod unless it is POST."""
    if scope["method"] != "POST":
        raise WrongMethod("POST", scope["method"])


def require_plain(headers: Headers) -> None:
    """Check the content encoding; raise WrongContentType if the body is said to be compressed."""
    encoding = headers.get(b"content-encoding", b"identity")
    if encoding != b"identity":
        raise WrongContentType(
            f"The body must not be compressed. Got {encoding.decode('latin-1')!r} instead. "
            "Send it without Content-Encoding."
        )


def require_json_type(headers: Headers) -> None:
    """Check the content type; raise WrongContentType unless it says JSON."""
    content_type = headers.get(b"content-type", b"")
    if content_type != JSON and not JSON_TYPE.fullmatch(content_type):
        raise WrongContentType(
            f"The header Content-Type must be application/json. Got "
            f"{content_type.decode('latin-1') or 'none'!r} instead."
        )


def respond_at_once(scope: Scope, send: Send, status: int, body: bytes, headers: Pairs) -> bool:
    """Write one whole answer now, if the server can; return whether it did."""
    at_once = scope.get("extensions", NOTHING).get(AT_ONCE)
    return at_once is not None and at_once(send, status, [*headers, length(body)], body)


async def respond(scope: Scope, send: Send, status: int, body: bytes, headers: Pairs) -> None:
    """Send one whole answer: at once where the server can, otherwise as ASGI messages."""
    if scope["method"] == "HEAD" or not respond_at_once(scope, send, status, body, headers):
        headers = [*headers, length(body)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def length(body: bytes) -> tuple[bytes, bytes]:
    """Return the Content-Length header of a body."""
    return (b"content-length", b"%d" % len(body))


async def refuse(scope: Scope, send: Send, refusal: Refusal, headers: Pairs) -> None:
    """Send a refusal with its headers: Retry-After for 503, Allow for 405 (RFC 9110).

    The server ignores what it has not read of the request.
    """
    headers = [(b"content-type", JSON), *headers]
    if refusal.status == 503:
        headers.append((b"retry-after", b"1"))
    if isinstance(refusal, WrongMethod):
        headers.append((b"allow", refusal.allowed.encode()))
    await respond(scope, send, refusal.status, encode(refusal.problem), headers)
