"""Connections that are odd, slow or hostile are answered or ended, and harm no other."""

from __future__ import annotations

import random
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.servers.server import Server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow  # starts servers

BODY = b'{"features":[5.1,3.5,1.4,0.2]}'
START = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
HEAD = START + b"connection: close\r\n"
LENGTH = b"content-length: %d\r\n\r\n" % len(BODY)
GOOD = HEAD + LENGTH + BODY
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
UPGRADE = b"connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n"


def exchange(server: Server, *pieces: bytes, end: bool = False) -> bytes:
    """Send pieces, one after the other; return all that comes until the server closes."""
    received = b""
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=5) as client,
        suppress(ConnectionError),  # the server need not read to the end what it refuses
    ):
        for piece in pieces:
            client.sendall(piece)
        if end:
            client.shutdown(socket.SHUT_WR)
        while some := client.recv(65536):
            received += some
    return received


def statuses(received: bytes) -> list[int]:
    """Return the status of each answer."""
    return [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (GOOD.replace(b"HTTP/1.1", b"HTTP/1.0"), [200]),
        (b"\r\n\r\n" + GOOD, [200]),
        (b"GET /health HTTP/1.1\r\nconnection: close\r\n\r\n", [200]),
        (b"GET http://other/health HTTP/1.1\r\nconnection: close\r\n\r\n", [200]),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10, [400]),
        (HEAD + b"content-length: -1\r\n\r\n" + BODY, [400]),
        (HEAD + b"content-length: 99999999999999999999\r\n\r\n" + BODY, [400]),
        (HEAD + b"content-length: 30\r\ncontent-length: 31\r\n\r\n" + BODY, [400]),
        (HEAD + b"transfer-encoding: chunked\r\n" + LENGTH + b"1e\r\n" + BODY, [400]),
        (CHUNKED + b"zz\r\n" + BODY, [400]),
        (HEAD.replace(b"host: x", b"host : x") + LENGTH + BODY, [400]),
        (GOOD.replace(b"\r\n", b"\n"), [400]),
        (b"GET /heal\xffth HTTP/1.1\r\nhost: x\r\n\r\n", [400]),
        (HEAD.replace(b"POST", b"TRACE") + b"\r\n", [405]),
    ],
)
def test_odd_requests_are_answered(
    flowers_server: Server, request_: bytes, expected: list[int]
) -> None:
    """Other versions and ways to write a request work; what has two meanings is refused."""
    assert statuses(exchange(flowers_server, request_)) == expected


def test_malformed_request_is_told_so_in_json(flowers_server: Server) -> None:
    """What is not HTTP gets the same form of refusal as all, and counts."""
    answer = exchange(flowers_server, b"hello\r\n\r\n")
    assert b'{"error":"The request must be HTTP/1.1.' in answer
    assert 'http_requests_total{route="other",status="400"}' in flowers_server.get("/metrics").text


def test_mutations_never_fail_the_server(flowers_server: Server) -> None:
    """A request with a few bytes changed, lost or added is answered, refused or dropped: no 5xx."""
    chance = random.Random(0)  # noqa: S311 - the same mutations every time
    for _ in range(200):
        request = bytearray(GOOD)
        for _ in range(chance.randint(1, 5)):
            place = chance.randrange(len(request))
            request[place : place + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        answers = statuses(exchange(flowers_server, bytes(request), end=True))
        assert all(status < 500 for status in answers)
    assert statuses(exchange(flowers_server, GOOD)) == [200]


def test_client_that_sends_no_more_is_answered(flowers_server: Server) -> None:
    """Closing one's own direction after a request does not forfeit the answer."""
    request = START + LENGTH + BODY
    assert statuses(exchange(flowers_server, request, end=True)) == [200]
    assert exchange(flowers_server, request[:-1], end=True) == b""


def test_requests_in_a_row_are_answered_in_order(flowers_server: Server) -> None:
    """Requests that come before the first is answered are answered one after the other."""
    probe = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", flowers_server.port), timeout=5) as client:
        client.sendall(START + LENGTH + BODY + probe + GOOD)
        received = b""
        while some := client.recv(65536):
            received += some
    assert statuses(received) == [200, 200, 200]
    assert received.index(b'"status":"ok"') > received.index(b'"prediction"')


@pytest.mark.parametrize(
    "pieces", [[HEAD + UPGRADE + LENGTH + BODY], [HEAD + UPGRADE, LENGTH, BODY]]
)
def test_wish_to_upgrade_is_ignored(flowers_server: Server, pieces: list[bytes]) -> None:
    """A client that would rather speak HTTP/2, as Java's does, is answered in HTTP/1.1."""
    answer = exchange(flowers_server, *pieces)
    assert statuses(answer) == [200]
    assert b"setosa" in answer


def counted(server: Server, series: str) -> float:
    """Return the sum of the metrics whose lines begin with `series`."""
    lines = server.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(series))


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (HEAD + b"x: ", b"a" * 10_000),
        (HEAD, b"a: b\r\n" * 2_000),
        (b"GET /", b"a" * 10_000),
        (CHUNKED + b"0\r\nx: ", b"a" * 10_000),
        (CHUNKED + b"1;x=", b"a" * 10_000),
        (CHUNKED.replace(b"close\r\n", b"upgrade\r\nupgrade: x\r\n") + b"0\r\nx: ", b"a" * 10_000),
    ],
)
def test_endless_request_is_ended(flowers_server: Server, begin: bytes, more: bytes) -> None:
    """A header, a path, a trailer or the like that never ends is cut off before it fills memory."""
    too_large = 'http_requests_total{route="other",status="431"}'
    before = counted(flowers_server, too_large)
    exchange(flowers_server, begin, *[more] * 2000)
    wait_until(lambda: counted(flowers_server, too_large) == before + 1, "the refusal")
    assert flowers_server.get("/health").status_code == 200


def test_many_unfinished_bodies_are_turned_away(small_server: Server) -> None:
    """Bodies that do not end hold a limited number of bytes; what is beyond gets a 503."""
    begin = HEAD + b"content-length: 999\r\n\r\n" + b" " * 900
    clients = [socket.create_connection(("127.0.0.1", small_server.port)) for _ in range(12)]
    for client in clients:
        client.sendall(begin)
    answers = []
    for client in clients:
        client.settimeout(5)
        answers += statuses(client.recv(65536))
        client.close()
    assert set(answers) == {408, 503}
    assert answers.count(408) == 8
    assert statuses(exchange(small_server, GOOD)) == [200]


def test_slow_clients_leave_room_for_others(small_server: Server) -> None:
    """Hundreds of connections that dribble do not keep a request from its answer."""
    slow = [socket.create_connection(("127.0.0.1", small_server.port)) for _ in range(300)]
    for client in slow:
        client.sendall(HEAD)
    assert statuses(exchange(small_server, GOOD)) == [200]
    for client in slow:
        client.settimeout(5)
        assert statuses(client.recv(65536)) == [408]
        client.close()


@pytest.mark.parametrize("more", [b"\r\n", b"G", b"\r\n\r\n"])
def test_kept_connection_is_let_go_if_it_dribbles(small_server: Server, more: bytes) -> None:
    """Between requests too, a byte that leads to nothing buys no more than REQUEST_SECONDS."""
    with socket.create_connection(("127.0.0.1", small_server.port), timeout=5) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        assert statuses(client.recv(65536)) == [200]
        client.sendall(more)
        assert statuses(client.recv(65536)) == [408]


@pytest.fixture
def impatient_server(make_bundle: Callable[[str], Path]) -> Iterator[Server]:
    """A server that waits 0.3 s for a request."""
    with Server(make_bundle("flowers"), REQUEST_SECONDS=0.3) as server:
        yield server


def test_reader_that_stops_is_let_go(impatient_server: Server) -> None:
    """A client that does not read its answer loses it: the server keeps no answer for ever."""
    rows = b'{"instances":[' + b",".join([b"[5,3,1,0]"] * 10_000) + b"]}"
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", impatient_server.port))
        client.sendall((START + b"content-length: %d\r\n\r\n" % len(rows) + rows) * 10)
        wait_until(lambda: impatient_server.logged("refused"), "the refusal")
        received = 0
        with suppress(ConnectionResetError):
            while some := client.recv(65536):
                received += len(some)
    assert 0 < received < 10_000_000
    assert "answer must be read" in impatient_server.logged("refused")[0]["error"]
