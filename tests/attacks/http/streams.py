"""Streams of requests, good, odd and malformed, and what h11 makes of them."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import NamedTuple

import h11

from tests.attacks.http.connection import Request, split

LINES = (
    b"upgrade: x\r\n", b"UPGRADE: h2c\r\n", b"content-length: 3\r\n", b"\r\n", b"0\r\n\r\n",
    b"transfer-encoding: chunked\r\n", b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n", b"{}",
    b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nabcd", b"\x00\xff", b"5\r\nhello\r\n",
)  # fmt: skip
METHODS = (b"GET", b"POST", b"POST", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"DELETE")
TARGETS = (b"/", b"/predict", b"/a?b=c", b"/%00%0d", b"/a//b/../c")
ODD_TARGETS = (b"*", b"/a b", b"/\x01", b"/\xff", b"//", b"", b"/a#b", b"a:1", b" /", b"\t/")
ODD_VERSIONS = (
    b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.2", b"http/1.1", b"HTTP/1.1 ", b"HTTP/11", b"",
)  # fmt: skip
UPGRADES = (b"Upgrade: h2c", b"UPGRADE: websocket", b"upgrade:x")
WISHES = (b"Connection: Upgrade, HTTP2-Settings", b"connection: upgrade", b"CONNECTION: x,UPGRADE")
KEEPING = (b"Connection: keep-alive", b"upgrade: x", b"connection: x, y")
HEADERS = (b"a: b", b"expect: 100-continue", b"x:", b"x: \xe9", b"accept: */*")
ODD_HEADERS = (
    b"a\x00: b", b"a: b\x00", b"a : b", b"a: b\r\n folded", b" a: b", b"a", b":", b"a: b\rc",
    b"\xe9: x", b"a: \x7f", b"a(: b", b"\ta: b", b"x: \x01", b"a: b\nc: d", b"connection: close",
)  # fmt: skip
CODINGS = (
    b"Transfer-Encoding: Chunked", b"transfer-encoding:\tchunked ", b"transfer-encoding: xchunked",
    b"transfer-encoding: gzip, chunked", b"transfer-encoding: chunked, gzip",
    b"transfer-encoding: identity", b"transfer-encoding : chunked", b" transfer-encoding: chunked",
    b"transfer-encoding: \x0bchunked", b"transfer-encoding:\r\n chunked", b"transfer-encoding:",
    b"transfer-encoding: chunked\r\ntransfer-encoding: identity", b"transfer_encoding: chunked",
    b"transfer-encoding: chunked, chunked", b"transfer-encoding: chunked;a=b",
    b"transfer-encoding: chunked\x00", b"transfer-encoding: chunked\r\ntransfer-encoding: chunked",
)  # fmt: skip
LENGTHS = (
    b"content-length: %d ", b"content-length:%d", b"content-length: +%d", b"content-length: 0%d",
    b"content-length: %d, 5", b"content-length: 5,%d", b"content-length: -%d", b"content-length: ",
    b"content-length: 0x%x", b"content-length: %d\r\n 3", b"content-length: %d3",
    b"content-length: 99999999999999999999", b"content-length: 1 %d", b"content-length : %d",
    b"content-length: %d.0", b"content-length: %d\r\ncontent-length: %d", b"content-length: \xb2",
)  # fmt: skip
SIZES = (
    b"0x%x",
    b"+%x",
    b" %x",
    b"%x ",
    b"%x1",
    b"-1",
    b"",
    b"f" * 16,
    b"f" * 17,
    b"%x_0",
    b"%x\t",
)
EXTENSIONS = (b"", b"", b";a", b";a=b", b';a="b c"', b";a=b;c=d")
ODD_EXTENSIONS = (b"; a = b", b";", b";=", b';"', b";\x00", b" ;a", b";a\n", b";a\rb")
TRAILERS = (b"x: y\r\n", b"content-type: a\r\n", b"x-request-id: 3\r\n")
ODD_TRAILERS = (
    b"upgrade: x\r\n", b"connection: upgrade\r\n", b"connection: close\r\n", b" x: y\r\n",
    b"content-length: 5\r\n", b"transfer-encoding: chunked\r\n", b"x : y\r\n", b"x\r\n", b": y\r\n",
)  # fmt: skip
ENDS = (b"\n", b"\r", b"\r\r\n", b" \r\n", b"")
MUTATIONS = (b"\x00", b"\r", b"\n", b" ", b":", b"\t", b",", b"0", b"")


class Stream(NamedTuple):
    """What a client sends, and in which pieces."""

    content: bytes
    pieces: Sequence[bytes]
    requests: list[Request] | None  # what it must be taken for, where it is good


class Writer:
    """Writes streams at random; what is odd about each is chosen here and there."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - the same streams every time

    def one_in(self, count: int) -> bool:
        """Return true in one of `count` cases."""
        return self.random.randrange(count) == 0

    def some(self, choices: Sequence[bytes], most: int) -> list[bytes]:
        """Return up to `most` of the choices, with repetition."""
        return [self.random.choice(choices) for _ in range(self.random.randint(0, most))]

    def odd(self, good: bytes, choices: Sequence[bytes], *, odd: bool) -> bytes:
        """Return what is good, or now and then something else."""
        return self.random.choice(choices) if odd and self.one_in(6) else good

    def stream(self) -> Stream:
        """Return up to four requests in a row."""
        content, requests, good, kept = b"", [], True, True
        for _ in range(self.random.randint(1, 4)):
            odd = self.one_in(2)
            text, request, last = self.request(odd=odd)
            content += text
            good = good and not odd
            requests += [request] if kept else []
            kept = kept and not last
        if self.one_in(6):
            content, good = self.mutated(content), False
        places = [self.random.randrange(len(content)) for _ in range(self.random.choice((0, 1, 8)))]
        return Stream(content, split(content, *places), requests if good else None)

    def request(self, *, odd: bool) -> tuple[bytes, Request, bool]:
        """Return a request, what it should be taken for, and whether none may follow."""
        choice = self.random.choice
        method, target, body = choice(METHODS), choice(TARGETS), b"".join(self.some(LINES, 4))
        version = b"HTTP/1.0" if self.one_in(12) else b"HTTP/1.1"
        heads = [b"host: x", *self.some(HEADERS, 2)]
        last = version == b"HTTP/1.0"
        if self.one_in(3):
            heads += [choice(WISHES), choice(UPGRADES)]
            last = True
        elif self.one_in(4):
            heads += [choice(KEEPING)]
        heads += self.some(ODD_HEADERS, 1) if odd and self.one_in(3) else []
        framing, sent, body = self.framed(body, old=version == b"HTTP/1.0", odd=odd)
        heads += framing
        self.random.shuffle(heads)
        end = self.odd(b"\r\n", ENDS, odd=odd and self.one_in(2))
        line = b"%b %b %b" % (
            method,
            self.odd(target, ODD_TARGETS, odd=odd),
            self.odd(version, ODD_VERSIONS, odd=odd),
        )
        text = end.join([line, *heads]) + b"\r\n" + self.odd(b"\r\n", ENDS, odd=odd) + sent
        return text, Request(method, target, body), last

    def framed(self, body: bytes, *, old: bool, odd: bool) -> tuple[list[bytes], bytes, bytes]:
        """Return the headers that frame a body, the body as it is sent, and as it is meant."""
        kind = self.random.choice(("none", "length", "chunked", "chunked"))
        length = b"Content-Length: %d" % len(body)
        if odd:
            form = self.random.choice(LENGTHS)
            other = form % ((len(body),) * form.count(b"%"))
            length = self.odd(length, [other, b"content-length: %d" % (len(body) // 2)], odd=odd)
        coding = self.odd(b"Transfer-Encoding: chunked", CODINGS, odd=odd)
        if odd and self.one_in(4):
            both = self.random.choice(([coding, length], [length, length]))
            return both, self.random.choice((body, self.chunked(body, odd=odd))), body
        if kind == "none":
            return [], b"", b""
        if kind == "length" or (old and not odd):
            return [length], body, body
        return [coding], self.chunked(body, odd=odd), body

    def chunked(self, body: bytes, *, odd: bool) -> bytes:
        """Return the body in chunks of any size, written oddly now and then if `odd`."""
        parts = []
        while body:
            count = self.random.randint(1, len(body))
            form = self.odd(self.random.choice((b"%x", b"%X", b"00%x")), SIZES, odd=odd)
            size = form % ((count,) * form.count(b"%"))
            extension = self.odd(self.random.choice(EXTENSIONS), ODD_EXTENSIONS, odd=odd)
            parts += [size, extension, self.odd(b"\r\n", ENDS, odd=odd), body[:count]]
            parts += [self.odd(b"\r\n", ENDS, odd=odd)]
            body = body[count:]
        parts += [self.random.choice((b"0", b"000")), self.random.choice(EXTENSIONS), b"\r\n"]
        parts += self.some(TRAILERS, 2) if self.one_in(3) else []
        parts += self.some(ODD_TRAILERS, 2) if odd and self.one_in(3) else []
        return b"".join([*parts, self.odd(b"\r\n", ENDS, odd=odd)])

    def mutated(self, content: bytes) -> bytes:
        """Return the content with up to three small changes."""
        changed = bytearray(content)
        for _ in range(self.random.randint(1, 3)):
            place = self.random.randrange(len(changed))
            new = self.random.choice((*MUTATIONS, self.random.randbytes(1)))
            changed[place : place + self.random.randint(0, 2)] = new
        return bytes(changed)


class Reading(NamedTuple):
    """What h11 makes of a stream."""

    requests: list[Request]
    refusal: str


def read(stream: bytes) -> Reading:
    """Return the whole requests that h11 sees before it refuses, or the stream ends.

    h11 is stricter than RFC 9112 in two things that are evened out here: it takes neither empty
    lines before a request (section 2.2) nor several spaces between the parts of its first line
    (section 3). And what is behind a # belongs to no request.
    """
    requests: list[Request] = []
    while True:
        first, end, rest = stream.lstrip(b"\r\n").partition(b"\n")
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(re.sub(rb"(?<=\S) +(?=\S)", b" ", first) + end + rest)
        try:
            request = one(connection)
        except h11.RemoteProtocolError as error:
            return Reading(requests, str(error))
        if request is None:
            return Reading(requests, "")
        requests.append(request)
        connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
        connection.send(h11.EndOfMessage())
        if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
            return Reading(requests, "")
        stream = connection.trailing_data[0]


def one(connection: h11.Connection) -> Request | None:
    """Return the request that has arrived, if it is whole."""
    method = target = body = b""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            method, target = bytes(event.method), bytes(event.target).partition(b"#")[0]
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            return Request(method, target, body)
        else:
            return None
