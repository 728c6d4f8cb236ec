"""Where a request ends: heads that mean the same to every server, and bodies that httptools skips.

llhttp is strict about most of RFC 9112, but takes HTTP/0.9, HTTP/2.0 in the form of HTTP/1.1, and
codings that we would not undo. What a proxy before us reads otherwise is refused here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from serve.errors import MalformedRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from serve.http import Pairs
    from serve.server.uvicorn_protocol import Protocol

FRAMING = frozenset((b"content-length", b"transfer-encoding"))


def check(method: bytes, version: str, headers: Pairs) -> None:
    """Raise MalformedRequest unless it is clear to every server where the request ends."""
    if version not in ("1.1", "1.0"):
        raise malformed("request must be HTTP/1.1", f"HTTP/{version}")
    if method == b"CONNECT":
        raise malformed("method must be one of HTTP's but CONNECT", "CONNECT")
    for name, value in headers:
        if name == b"transfer-encoding":
            if version == "1.0":
                raise malformed("request of HTTP/1.0 must have a Content-Length", "another framing")
            if value.strip(b" \t").lower() != b"chunked":
                got = repr(value.decode("latin-1"))
                raise malformed("header Transfer-Encoding must be chunked", got)


def malformed(wanted: str, got: str) -> MalformedRequest:
    return MalformedRequest(f"The {wanted}. Got {got} instead.")


class Body:
    """What a parser tells of a body alone, and not of the `head` that it was given for it.

    httptools skips the body of a request that asks for an upgrade, as if the client spoke another
    protocol from there on. But a client does so only once the server agrees, which this one never
    does: the body is one, and another parser finds its end.
    """

    def __init__(self, protocol: Protocol) -> None:
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete


def head(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a head that tells the parser of a `Body` where it ends, and that nothing follows."""
    lines = [b"%b: %b\r\n" % header for header in headers if header[0] in FRAMING]
    return b"".join([b"POST / HTTP/1.1\r\nconnection: close\r\n", *lines, b"\r\n"])
