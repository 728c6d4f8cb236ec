"""Our connection without a socket: thousands of streams in seconds, split wherever one likes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import uvicorn
from uvicorn.server import ServerState

from serve.http import Application, Receive, Scope, Send, respond
from serve.server.uvicorn_protocol import Protocol

TURNS = 200  # of the loop, after which nothing more is going to happen


class Transport:
    """What uvloop gives a protocol: takes what is written, and tells when it is closed."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.written = b""
        self.paused = self.ended = self.closed = False

    def write(self, data: bytes) -> None:
        """Keep what the server writes, which must be before the end."""
        assert not self.ended, "written after the end"
        assert not self.closed, "written after the end"
        self.written += data

    def write_eof(self) -> None:
        """Note that the server ends its side."""
        self.ended = True

    def close(self) -> None:
        """Close the connection once, and tell the protocol in the next turn of the loop."""
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        """Return whether the connection was closed."""
        return self.closed

    def pause_reading(self) -> None:
        """Note that the server wants to read nothing for now."""
        self.paused = True

    def resume_reading(self) -> None:
        """Note that the server wants to read again."""
        self.paused = False

    def get_extra_info(self, _: str) -> None:
        """Return nothing: there is no socket."""

    def get_write_buffer_size(self) -> int:
        """Return 0: whatever is written has left."""
        return 0


class Request(NamedTuple):
    """What an application, or another parser, was told."""

    method: bytes
    target: bytes
    body: bytes


class Received(NamedTuple):
    """What came of a stream."""

    answers: bytes
    ended: bool  # whether nothing more would be answered on this connection


class Recorder:
    """An application that remembers every request that came whole."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record a request as an ASGI application receives it, and answer 200."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message["more_body"]
        target = scope["raw_path"] + (b"?" if scope["query_string"] else b"")
        target += scope["query_string"]
        self.requests.append(Request(scope["method"].encode(), target, body))
        await respond(scope, send, 200, b"fine", [])


class Refused:
    """Stands for the service, which counts refusals."""

    def refused(self, *_: Any, **__: Any) -> None:
        """Count nothing."""


class Listener:
    """Takes connections for an application."""

    def __init__(self, app: Application, service: Any = None) -> None:
        self.service: Any = service or Refused()
        self.config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None,
                                     access_log=False, proxy_headers=False)  # fmt: skip
        self.config.load()

    def connect(self) -> tuple[Protocol, Transport]:
        """Return the two ends of a new connection."""
        protocol = Protocol(self.config, ServerState(), {}, None, service=self.service)
        transport = Transport(protocol)
        protocol.connection_made(transport)  # type: ignore[arg-type]
        return protocol, transport

    async def play(self, *pieces: bytes, patience: float = 0) -> Received:
        """Send pieces to a new connection, as its reader lets them in; return what it answers.

        With patience, in seconds, each piece but the first waits for an answer to those before.
        """
        protocol, transport = self.connect()
        for piece in pieces:
            before = len(transport.written)
            await turn(lambda: transport.closed or not transport.paused)
            if transport.closed:
                break
            protocol.data_received(piece)
            await asyncio.sleep(0)
            if patience:
                await turn(lambda: transport.ended or len(transport.written) > before, patience)  # noqa: B023
        await turn(lambda: transport.closed or protocol.timeout_keep_alive_task)
        received = Received(transport.written, transport.ended or transport.closed)
        protocol._unset_keepalive_if_required()  # noqa: SLF001 - it would outlive the loop
        if not transport.closed:
            protocol.connection_lost(None)
        await asyncio.sleep(0)
        return received


async def turn(happened: Callable[[], object], seconds: float = 0) -> None:
    """Let the loop turn until something happened, or nothing more will."""
    for _ in range(TURNS):
        if happened():
            return
        await asyncio.sleep(seconds / TURNS)


def split(stream: bytes, *places: int) -> list[bytes]:
    """Split a stream at places."""
    ends = [*sorted(places), len(stream)]
    starts = [0, *sorted(places)]
    return [stream[start:end] for start, end in zip(starts, ends, strict=True) if start < end]
