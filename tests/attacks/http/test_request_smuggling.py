"""Number 1: the bytes of one request's body became another's request.

The server changed `upgrade:` to `x-upgrade:` in whatever it received. Each line of a body that
began so grew by two bytes, and the tail of the body, pushed out of its Content-Length, was parsed
as the next request on the connection: behind a router, which sends the requests of many over one
connection, a stranger got the answer to it. The other way round, `UPGRADE:`, or the header split
over two segments, was not changed, and the parser took the whole body for requests.
"""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from contract import bundle as bundles
from serve.api.service import Service
from serve.app.dispatch import Dispatcher
from serve.http import Receive, Scope, Send, respond
from serve.monitoring.logs import Log
from serve.settings import Settings
from tests.attacks.http.connection import Listener, Received, Recorder, Request, split
from tests.attacks.http.router import Router
from tests.attacks.http.streams import Writer, read
from tests.support.servers.bundles import flowers
from tests.support.servers.server import Server

ROW = [5.1, 3.5, 1.4, 0.2]
TENSOR = {"name": "x", "shape": [1, 4], "datatype": "FP64", "data": ROW}
BODIES: dict[str, Any] = {
    "/predict": {"features": ROW},
    "/invocations": {"instances": [ROW]},
    "/v1/models/flowers:predict": {"instances": [ROW]},
    "/v2/models/flowers/infer": {"inputs": [TENSOR]},
}
PROBE = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
SMUGGLED = b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"
UPGRADES = (
    b"connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n",
    b"Connection: upgrade\r\nUPGRADE: websocket\r\n",
    b"connection: keep-alive, UPGRADE\r\nuPGRADE:x\r\n",
)


def grown(request: bytes) -> bytes:
    """Return a body that ends with a request, after lines that grew by as many bytes."""
    lines = -(-len(request) // 2)
    return b"upgrade: x\r\n" * lines + b" " * (2 * lines - len(request)) + request


def post(path: str, body: bytes, headers: bytes = b"") -> bytes:
    """Return a POST request with a Content-Length."""
    head = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" % path.encode()
    return b"%b%bcontent-length: %d\r\n\r\n%b" % (head, headers, len(body), body)


def chunked(path: str, body: bytes, headers: bytes = b"") -> bytes:
    """Return a POST request of one chunk, with a trailer."""
    head = b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" % path.encode()
    chunks = b"%x\r\n%b\r\n0\r\nx: y\r\n\r\n" % (len(body), body)
    return b"%b%btransfer-encoding: chunked\r\n\r\n%b" % (head, headers, chunks)


def statuses(answers: bytes) -> list[int]:
    """Return the status of each answer."""
    return [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The flowers model."""
    return flowers(tmp_path_factory.mktemp("bundles") / "flowers")


def service_of(bundle: Path) -> Service:
    """Return the service of a bundle, with its log in memory."""
    return Service(bundles.read(bundle), Settings(bundle=str(bundle)), Log(io.BytesIO()))


def play_all(bundle: Path, streams: list[list[bytes]]) -> list[Received]:
    """Send each stream to the real routes, on a connection of its own."""

    async def play() -> list[Received]:
        service = service_of(bundle)
        await service.load()
        listener = Listener(Dispatcher(service), service)
        return [await listener.play(*pieces) for pieces in streams]

    return asyncio.run(play())


def everywhere(stream: bytes) -> list[list[bytes]]:
    """Split a stream at every position, and into single bytes."""
    every = [split(stream, place) for place in range(len(stream))]
    return [*every, split(stream, *range(len(stream)))]


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("form", [post, chunked])
def test_body_of_header_lines_stays_a_body(bundle: Path, path: str, form: Any) -> None:
    """However it is split, a body that looks like requests is one body: refused, and no more."""
    stream = form(path, grown(SMUGGLED)) + PROBE
    for received in play_all(bundle, everywhere(stream)):
        assert statuses(received.answers) == [400, 200]
        assert received.answers.endswith(b'"version":"1.2.3"}')


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("form", [post, chunked])
@pytest.mark.parametrize("upgrade", UPGRADES)
def test_wish_to_upgrade_is_answered_and_ends_the_connection(
    bundle: Path, path: str, form: Any, upgrade: bytes
) -> None:
    """The body of a request for an upgrade is read however it is split, and nothing follows it."""
    stream = form(path, json.dumps(BODIES[path]).encode(), upgrade) + SMUGGLED
    for received in play_all(bundle, everywhere(stream)):
        assert statuses(received.answers) == [200]
        assert b"setosa" in received.answers
        assert b"connection: close\r\n" in received.answers
        assert received.ended


def test_wish_to_upgrade_behind_an_unanswered_request(bundle: Path) -> None:
    """A pipelined request for an upgrade is answered in its turn, and is the last."""
    body = json.dumps(BODIES["/predict"]).encode()
    stream = post("/predict", body) + post("/predict", body, UPGRADES[0]) + SMUGGLED
    for received in play_all(bundle, everywhere(stream)):
        assert statuses(received.answers) == [200, 200]
        assert received.ended


def recorded(streams: list[list[bytes]]) -> list[tuple[list[Request], Received]]:
    """Return what an application is told of each stream, and what is answered."""

    async def play() -> list[tuple[list[Request], Received]]:
        recorder = Recorder()
        listener = Listener(recorder)
        results = []
        for pieces in streams:
            recorder.requests = []
            received = await listener.play(*pieces)
            results.append((recorder.requests, received))
        return results

    return asyncio.run(play())


@pytest.mark.parametrize("form", [post, chunked])
@pytest.mark.parametrize("upgrade", [b"", *UPGRADES])
def test_bodies_arrive_as_they_were_sent(form: Any, upgrade: bytes) -> None:
    """No byte of a body is changed, lost or added, however it is split."""
    body = grown(SMUGGLED) + b"\r\nUPGRADE: x\r\n0\r\n\r\n\x00"
    for seen, _ in recorded(everywhere(form("/predict", body, upgrade))):
        assert seen == [Request(b"POST", b"/predict", body)]


@pytest.mark.parametrize(
    "request_",
    [
        b"CONNECT x:80 HTTP/1.1\r\nhost: x:80\r\n\r\n",
        b"CONNECT /health HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc",
        b"GET /\r\nhost: x\r\n\r\n",
        b"GET / HTTP/0.9\r\n\r\n",
        b"GET / HTTP/2.0\r\nhost: x\r\n\r\n",
        b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\n%btransfer-encoding: gzip\r\n\r\n" % UPGRADES[0],
        b"POST / HTTP/1.1\r\nhost: x\r\n%btransfer-encoding: chunked\r\n\r\nx" % UPGRADES[0],
    ],
)
def test_what_another_server_reads_otherwise_is_refused(request_: bytes) -> None:
    """A request whose end is not clear to all is refused, and nothing after it is parsed."""
    for seen, received in recorded(everywhere(request_ + PROBE)):
        assert seen == []
        assert statuses(received.answers) == [400]
        assert received.ended


@pytest.mark.nightly
def test_same_requests_as_another_parser() -> None:
    """Of thousands of streams the server reads what h11 reads, or refuses; good ones all."""
    writer = Writer(seed=10)
    streams = [writer.stream() for _ in range(4000)]
    good = refused = 0
    for stream, (seen, received) in zip(
        streams, recorded([list(stream.pieces) for stream in streams]), strict=True
    ):
        other = read(stream.content)
        if stream.requests is not None:
            good += 1
            assert seen == stream.requests, stream
        if "Host" in other.refusal:  # a mutation; we need no Host, for we use none
            continue
        assert seen == other.requests[: len(seen)], stream
        refused += bool(other.refusal)
        assert received.ended or not other.refusal, stream
    assert good > 500
    assert refused > 500


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\n", 415),
        (b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip\r\n", 415),
        (b"PUT /predict HTTP/1.1\r\nhost: x\r\n", 405),
        (b"POST /health HTTP/1.1\r\nhost: x\r\n", 405),
        (b"GET /health HTTP/1.1\r\nhost: x\r\n", 200),
        (b"HEAD /health HTTP/1.1\r\nhost: x\r\n", 200),
        (b"GET /metadata HTTP/1.1\r\nhost: x\r\n", 200),
        (b"POST /nothing HTTP/1.1\r\nhost: x\r\n", 404),
        (b"POST /health HTTP/1.1\r\nhost: x\r\n" + UPGRADES[0], 405),
        (b"POST /health HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n", 405),
    ],
)
@pytest.mark.parametrize("framing", [b"content-length: 200", b"transfer-encoding: chunked"])
def test_answer_before_the_body_ends_the_connection(
    bundle: Path, head: bytes, status: int, framing: bytes
) -> None:
    """An answer before the body has come says that it ends the connection, which it does."""
    streams = [
        [head + framing + b"\r\n\r\n", rest, SMUGGLED * 5]
        for rest in (SMUGGLED, b"0\r\n\r\n" + SMUGGLED, b" " * 200 + SMUGGLED)
    ]

    async def play() -> list[Received]:
        service = service_of(bundle)
        await service.load()
        dispatcher = Dispatcher(service)
        await dispatcher.application()  # FastAPI, which takes a while
        listener = Listener(dispatcher, service)
        return [await listener.play(*pieces, patience=0.5) for pieces in streams]

    for received in asyncio.run(play()):
        assert statuses(received.answers) == [status]
        assert received.answers.count(b"connection: close\r\n") == 1
        assert received.ended


def test_server_that_is_not_ready_ends_the_connection(bundle: Path) -> None:
    """A 503 that comes before the body ends the connection; after a whole one it is kept."""

    async def play(*pieces: bytes) -> Received:
        service = service_of(bundle)
        return await Listener(Dispatcher(service), service).play(*pieces)

    request = post("/predict", b"{}" * 50)
    received = asyncio.run(play(request[:-50], request[-50:], SMUGGLED))
    assert statuses(received.answers) == [503]
    assert received.ended
    received = asyncio.run(play(request, PROBE))
    assert statuses(received.answers) == [503, 200]


def test_answer_that_begins_before_the_body_has_come() -> None:
    """An answer that begins before the body has come ends the connection, even if it comes then."""

    async def slow(_: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.body", "body": b"fine"})

    async def play() -> Received:
        request = post("/predict", b"{}" * 50)
        return await Listener(slow).play(request[:-50], request[-50:] + SMUGGLED, SMUGGLED)

    received = asyncio.run(play())
    assert statuses(received.answers) == [200]
    assert received.ended


def test_trailers_are_no_headers() -> None:
    """The trailers of a chunked body do not count as headers of its request."""
    headers = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        headers.append([name for name, _ in scope["headers"]])
        await respond(scope, send, 200, b"fine", [])

    for upgrade in (b"", UPGRADES[1]):
        asyncio.run(Listener(app).play(chunked("/predict", b"{}", upgrade)))
    assert [b"x" in names for names in headers] == [False, False]
    assert len(headers) == 2


@pytest.mark.parametrize(
    "last",
    [
        post("/predict", b"{}", b"connection: close\r\n"),
        post("/predict", b"{}").replace(b"HTTP/1.1", b"HTTP/1.0"),
        post("/predict", b"{}", b"connection: keep-alive\r\n").replace(b"/1.1", b"/1.0"),
        chunked("/predict", b"{}").replace(b"x: y", b"connection: close"),
        post("/predict", b"{}", UPGRADES[0]),
    ],
)
@pytest.mark.parametrize("more", [PROBE, b"nonsense\r\n\r\n", b"\x00", b"GET /\xff HTTP/1.1\r\n"])
def test_nothing_follows_the_last_request(last: bytes, more: bytes) -> None:
    """Whatever follows a request that says it is the last is thrown away."""
    for seen, received in recorded(everywhere(last + more)):
        assert seen == [Request(b"POST", b"/predict", b"{}")]
        assert statuses(received.answers) == [200]
        assert b"connection: close\r\n" in received.answers
        assert received.ended


def test_malformed_request_behind_another_takes_no_answer(bundle: Path) -> None:
    """The request before a malformed one gets its answer, and then the connection ends."""
    body = json.dumps(BODIES["/predict"]).encode()
    for bad in (b"nonsense\r\n\r\n", b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nx\r\n"):
        stream = post("/predict", body) * 2 + bad + SMUGGLED
        for received in play_all(bundle, [[stream], split(stream, len(stream) - len(SMUGGLED))]):
            assert statuses(received.answers) == [200, 200]
            assert received.ended


@pytest.fixture(scope="module")
def server(bundle: Path) -> Iterator[Server]:
    """A server of the flowers model that waits two seconds for a request."""
    with Server(bundle, REQUEST_SECONDS=2) as server:
        yield server


@pytest.fixture(scope="module")
def patient_server(bundle: Path) -> Iterator[Server]:
    """A server of the flowers model that waits a minute, for a client on a busy machine."""
    with Server(bundle, REQUEST_SECONDS=60) as server:
        yield server


@pytest.mark.parametrize(("path", "status"), [("/health", 405), ("/predict", 405), ("/x", 404)])
def test_client_that_still_sends_reads_its_refusal(
    patient_server: Server, path: str, status: int
) -> None:
    """A client that still sends megabytes of a refused body can read why it was refused."""
    body = SMUGGLED * 200_000
    with socket.create_connection(("127.0.0.1", patient_server.port), timeout=60) as client:
        head = b"PUT %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
        client.sendall(head % (path.encode(), len(body)) + body)
        answer = b""
        while some := client.recv(65536):
            answer += some
    assert statuses(answer) == [status]


@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_client_that_never_stops_is_cut_off(server: Server, pause: float) -> None:
    """A refused connection ends after so many bytes, or so much time, whatever still comes."""
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"PUT /health HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999\r\n\r\n")
        with suppress(ConnectionError):
            while time.monotonic() - start < 10:
                client.sendall(SMUGGLED * (1 if pause else 1000))
                time.sleep(pause)
    assert time.monotonic() - start < 5


@pytest.fixture(scope="module")
def router(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    """An nginx, as `make deploy` configures it, before the server."""
    with Router(tmp_path_factory.mktemp("router"), "flowers", server.port) as router:
        yield router


@pytest.mark.engine
@pytest.mark.parametrize("path", BODIES)
def test_strangers_behind_a_router_get_their_own_answers(router: Router, path: str) -> None:
    """While others send bodies full of requests, each client gets the answer to its own request."""
    smuggled = [b"GET /metrics HTTP/1.1\r\nx: ", SMUGGLED, b"GET /v2 HTTP/1.1\r\nhost: x\r\n\r\n"]
    stop = threading.Event()
    failures: list[str] = []
    victim = threading.Thread(target=ask_for_health, args=(router, stop, failures))
    victim.start()
    with requests.Session() as attacker:
        for number in range(60):
            body = grown(smuggled[number % 3])
            headers = {"content-type": "application/json", "upgrade": "h2c"}
            answer = attacker.post(f"{url(router)}{path}", body, headers=headers, timeout=5)
            if answer.status_code != 400:
                failures.append(answer.text)
            answer = attacker.get(f"{url(router)}/metrics", timeout=5)
            if answer.status_code != 404:
                failures.append(answer.text)
    stop.set()
    victim.join()
    assert failures == []


def url(router: Router) -> str:
    """Return the address of the model behind the router."""
    return f"http://127.0.0.1:{router.port}/flowers"


def ask_for_health(router: Router, stop: threading.Event, failures: list[str]) -> None:
    """Ask for the health until told to stop, and note each answer to another request."""
    with requests.Session() as session:
        while not stop.is_set():
            with suppress(requests.ConnectionError):
                answer = session.get(f"{url(router)}/health", timeout=5)
                if answer.json() != {"status": "ok", "model": "flowers", "version": "1.2.3"}:
                    failures.append(answer.text)


@pytest.mark.engine
@pytest.mark.parametrize(
    "path",
    ["metrics", "%6detrics", "./metrics", "x/../metrics", "/metrics", "%2e/metrics", "%2Fmetrics",
     "metrics/", "metrics?x", "metrics;", "%256detrics", "metrics%00", "metrics%20"],
)  # fmt: skip
def test_router_has_no_way_to_the_metrics(router: Router, path: str) -> None:
    """No way to write the address of a replica's metrics leads through the router."""
    with socket.create_connection(("127.0.0.1", router.port), timeout=5) as client:
        request = f"GET /flowers/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
        client.sendall(request.encode())
        answer = b""
        while some := client.recv(65536):
            answer += some
    assert b"http_requests_total" not in answer
    assert statuses(answer)[0] in (307, 400, 404)
