"""Run the service over HTTP until it is told to stop."""

from __future__ import annotations

import asyncio
import ctypes
import signal
import socket
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import uvicorn

from serve.api.service import Service
from serve.app.dispatch import Dispatcher
from serve.errors import CannotListen, as_failure
from serve.inference.bundle import open_bundle
from serve.monitoring import logs
from serve.monitoring.logs import Log
from serve.server.uvicorn_protocol import Protocol
from serve.server.workers import Workers

if TYPE_CHECKING:
    from types import FrameType

    from serve.settings import Settings

M_ARENA_MAX = -8  # of malloc.h


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises Failure if the bundle must not be served or the model cannot be used, and CannotListen if
    the port cannot be opened. Ends the process with a worker's exit code where there are several.
    """
    share_one_heap()
    log = Log()
    logs.capture(log)
    service = Service(open_bundle(settings.bundle), settings, log)
    with listen(settings) as listener:
        log.event("listening", host=settings.host, port=listener.getsockname()[1])
        if settings.workers == 1:
            serve(service, listener)
        else:
            serve_in_workers(service, listener)
    log.event("stopped")


def serve(service: Service, listener: socket.socket) -> None:
    """Serve in this process; raise Failure if the model cannot be used."""
    Server(service).run([listener])
    if service.failure:
        raise service.failure


def serve_in_workers(service: Service, listener: socket.socket) -> None:
    """Serve in several processes; exit with the code of a worker that refused to serve."""
    service.log.share()

    def work(number: int) -> int:
        service.metrics.use(number)
        try:
            serve(service, listener)
        except Exception as error:  # noqa: BLE001 - a worker's exit code is all that is left of it
            failure = as_failure(error)
            service.log.failure(failure)
            return failure.exit_code
        return 0

    code = Workers(service.settings.workers, work, service.log).run()
    if code:
        sys.exit(code)


def share_one_heap() -> None:
    """Let all threads allocate in one heap: in heaps of their own they keep 2 MB that are free."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it, other C libraries may not
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)


def listen(settings: Settings) -> socket.socket:
    """Return the socket of the open port; raise CannotListen if it cannot be opened."""
    address = (settings.host, settings.listen_port)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server(address, family=family, backlog=2048)
    except OSError as error:
        raise CannotListen(
            f"HOST and PORT must be an address this process can listen on. Got "
            f"{settings.host}:{settings.listen_port} ({error.strerror}) instead. "
            "Set PORT to a free port"
        ) from error


class Server(uvicorn.Server):
    """uvicorn, with a stop that loses no request.

    After SIGTERM the service reports not ready and goes on answering for DRAIN_SECONDS, so that a
    load balancer can notice. Then the port is closed, requests in flight are finished, and the
    process ends with 0.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        settings = service.settings
        super().__init__(
            uvicorn.Config(
                Dispatcher(service),
                loop="uvloop",
                http=partial(Protocol, service=service),  # type: ignore[arg-type]
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,  # it costs a third of the throughput; predictions log themselves
                server_header=False,
                proxy_headers=False,
                backlog=2048,
                timeout_keep_alive=settings.keep_alive_seconds,
                timeout_graceful_shutdown=settings.shutdown_seconds,
            )
        )

        self.stop_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
        """Begin to drain; a second signal, or SIGINT, stops without DRAIN_SECONDS."""
        wait = sig == signal.SIGTERM and not self.service.draining
        self.service.drain()
        self.stop_at = time.monotonic() + (self.service.settings.drain_seconds if wait else 0)

    async def on_tick(self, counter: int) -> bool:
        """End late connections; return whether to stop: when drained, or if the model failed."""
        self.end_late_connections()
        over = self.stop_at is not None and time.monotonic() >= self.stop_at
        return await super().on_tick(counter) or over or self.service.failure is not None

    def end_late_connections(self) -> None:
        """End the connections on which REQUEST_SECONDS are over."""
        now, seconds = asyncio.get_running_loop().time(), self.service.settings.request_seconds
        for connection in list(self.server_state.connections):
            if isinstance(connection, Protocol):
                connection.end_if_late(now, seconds)
