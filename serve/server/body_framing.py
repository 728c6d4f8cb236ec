"""Where a request ends: heads that every server reads alike, and bodies that httptools skips.

llhttp is strict about most of RFC 9112, but accepts HTTP/0.9, HTTP/2.0 written as HTTP/1.1, and
transfer codings that this server does not decode. What a proxy may read otherwise is refused here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from serve.errors import MalformedRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from serve.http import Pairs

FRAMING = frozenset((b"content-length", b"transfer-encoding"))


def check(method: bytes, version: str, headers: Pairs) -> None:
    """Check that every server reads the same end of the request (RFC 9112, 6.1 and 6.3).

    Raises MalformedRequest if not.
    """
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
    """Return the refusal of a request whose head is wrong."""
    return MalformedRequest(f"The {wanted}. Got {got} instead.")


class Parsed(Protocol):
    """What a parser calls with the parts of a body, and at its end."""

    def on_body(self, body: bytes) -> None: ...
    def on_message_complete(self) -> None: ...


class Body:
    """Callbacks for a parser that is fed the body of a request, after a made-up `head`.

    httptools skips the body of a request that asks for an upgrade (RFC 9110, 7.8), as if the client
    spoke another protocol from there on. But a client does so only once the server agrees, which
    this one never does: the body is one, and another parser finds its end.
    """

    def __init__(self, protocol: Parsed) -> None:
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete


def head(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a head after which a parser expects exactly the body that these headers announce."""
    lines = [b"%b: %b\r\n" % header for header in headers if header[0] in FRAMING]
    return b"".join([b"POST / HTTP/1.1\r\nconnection: close\r\n", *lines, b"\r\n"])
