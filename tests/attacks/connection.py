"""Our connection without a socket: thousands of streams in seconds, split wherever one likes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import uvicorn
from uvicorn.server import ServerState

from serve.http import Application, Receive, Scope, Send, respond
from serve.protocol import Protocol

TURNS = 200  # of the loop, after which nothing more is going to happen


class Transport:
    """What uvloop gives a protocol: takes what is written, and tells when it is closed."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.written = b""
        self.paused = self.ended = self.closed = False

    def write(self, data: bytes) -> None:
        assert not (self.ended or self.closed), "written after the end"
        self.written += data

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_extra_info(self, _: str) -> None:
        return None

    def get_write_buffer_size(self) -> int:
        return 0


class Request(NamedTuple):
    """What an application, or another parser, was told."""

    method: bytes
    target: bytes
    body: bytes


class Told(NamedTuple):
    """What came of a stream."""

    answers: bytes
    ended: bool  # whether nothing more would be answered on this connection


class Recorder:
    """An application that remembers every request that came whole."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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


async def play(app: Application, pieces: Sequence[bytes], service: Any = None) -> Told:
    """Send pieces to a new connection, as its reader lets them in; return what it answers."""
    config = uvicorn.Config(app, ws="none", lifespan="off", log_config=None, access_log=False,
                            server_header=False, date_header=False, proxy_headers=False)  # fmt: skip
    config.load()
    protocol = Protocol(config, ServerState(), {}, None, service=service or Refused())
    transport = Transport(protocol)
    protocol.connection_made(transport)  # type: ignore[arg-type]
    for piece in pieces:
        if transport.paused or transport.closed:
            await turn(lambda: transport.closed or not transport.paused)
        if transport.closed:
            break
        protocol.data_received(piece)
        await asyncio.sleep(0)
    await turn(lambda: transport.closed)
    protocol._unset_keepalive_if_required()  # noqa: SLF001 - its timer would outlive the loop
    ended = transport.ended or transport.closed
    if not transport.closed:
        protocol.connection_lost(None)
    await asyncio.sleep(0)
    return Told(transport.written, ended)


async def turn(happened: Any) -> None:
    """Let the loop turn until something happened, or nothing more will."""
    for _ in range(TURNS):
        if happened():
            return
        await asyncio.sleep(0)


def pieces(stream: bytes, *places: int) -> list[bytes]:
    """Split a stream at places."""
    ends = [*sorted(places), len(stream)]
    starts = [0, *sorted(places)]
    return [stream[start:end] for start, end in zip(starts, ends, strict=True) if start < end]
