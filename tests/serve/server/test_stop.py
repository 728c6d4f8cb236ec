"""A server stops without losing a request."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.support.servers.server import Server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow  # starts servers

HEAD = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
BODY = b'{"features":[1,2,3,4]}'


@pytest.fixture
def bundle(make_bundle: Callable[[str], Path]) -> Path:
    """The bundle of flowers."""
    return make_bundle("flowers")


def test_sigterm_makes_unready_at_once_and_still_answers(bundle: Path) -> None:
    """While draining /ready is 503, /health is 200, and predictions are answered."""
    with Server(bundle, DRAIN_SECONDS=3) as server:
        server.process.send_signal(signal.SIGTERM)
        draining = lambda: requests.get(server.url("/ready"), timeout=5).status_code == 503  # noqa: E731
        wait_until(draining, "the end of readiness")
        assert "draining" in server.get("/ready").json()["error"]
        assert server.get("/health").status_code == 200
        assert server.send(BODY).status_code == 200
        assert server.process.wait(10) == 0


def test_request_in_flight_is_finished(bundle: Path) -> None:
    """A request whose body arrives after SIGTERM and after the port was closed is answered."""
    with Server(bundle) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as client:
            client.sendall(HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY[:5])
            server.get("/health")
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: refuses_connections(server.port), "the closing of the port")
            client.sendall(BODY[5:])
            assert client.recv(4096).startswith(b"HTTP/1.1 200 OK")
        assert server.process.wait(10) == 0


def refuses_connections(port: int) -> bool:
    """Return whether nothing listens on a port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def test_sigint_does_not_wait(bundle: Path) -> None:
    """Ctrl-C ends at once, with exit code 0, whatever DRAIN_SECONDS is."""
    with Server(bundle, DRAIN_SECONDS=60) as server:
        start = time.monotonic()
        assert server.stop(signal.SIGINT) == 0
        assert time.monotonic() - start < 5


@pytest.mark.parametrize("begun", [b"PUT /health HTTP/1.1\r\ncontent-length: 9\r\n\r\n", b"GET /"])
def test_refused_clients_are_not_waited_for(bundle: Path, begun: bytes) -> None:
    """Stopping does not wait for clients that were refused or have not asked yet."""
    with Server(bundle) as server:
        clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(5)]
        for client in clients:
            client.sendall(begun)
        time.sleep(0.2)
        start = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - start < 3
        for client in clients:
            client.close()
