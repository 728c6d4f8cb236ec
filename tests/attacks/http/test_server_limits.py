"""Number 2: sizes that nobody had thought of, and text of a client in an answer that is JSON.

A model of 3,000 inputs ended the server at its start with an IndexError: the array of its metrics
had 8,192 cells for all models. And the router's page for errors put the address and X-Request-ID
between quotation marks as they were, so that a client could write its own JSON there.
"""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sklearn.linear_model import LinearRegression

from contract.bundle import Input, Manifest, read_manifest
from serve.api.tracing import REQUEST_ID
from serve.inference.scores import Scores
from serve.monitoring.drift import UnseenValues
from serve.monitoring.metrics import PAGE, Metrics, resident_bytes
from tests.attacks.http.router import Router
from tests.support.names import free_address
from tests.support.servers.bundles import flowers, store
from tests.support.servers.server import Server
from tests.support.waiting import wait_until

ROUTES = ["/predict", "/health"]
SAFE_ID = re.compile(REQUEST_ID.pattern.decode())
HEADERS = b"host: x\r\nconnection: close\r\n"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The flowers model."""
    return flowers(tmp_path_factory.mktemp("bundles") / "flowers")


def widened(bundle: Path, inputs: int, classes: int) -> Manifest:
    """Return the manifest of a model with so many inputs and classes."""
    names = [Input(name=f"input_{number}", kind="numeric", missing=False, minimum=0, maximum=1)
             for number in range(inputs)]  # fmt: skip
    labels: list[str | int] = [f"class {number}" for number in range(classes)]
    return msgspec.structs.replace(read_manifest(bundle), inputs=names, classes=labels)


def series(text: str) -> dict[tuple[str, str], float]:
    """Return each sample of the metrics by its name and its first label."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(("inputs", "classes"), [(3_000, 3), (4, 3_000), (12_000, 1_000)])
def test_every_input_and_class_has_a_cell(bundle: Path, inputs: int, classes: int) -> None:
    """The last input and the last class of a wide model are counted, by every worker."""
    metrics = Metrics(widened(bundle, inputs, classes), ROUTES, workers=3)
    last, label = inputs - 1, f"class {classes - 1}"
    for worker in range(3):
        metrics.use(worker)
        metrics.batch(
            Scores([label], None), UnseenValues([(last, 1)], [(last, 1)], [(0, 1)]), in_flight=0
        )
    values = series(metrics.text(ready=True, in_flight=2))
    assert values["feature_out_of_range_total", f"input_{last}"] == 3
    assert values["feature_unknown_category_total", f"input_{last}"] == 3
    assert values["feature_missing_total", "input_0"] == 3
    assert values["feature_missing_total", f"input_{last}"] == 0
    assert values["predictions_total", label] == 3
    assert values["prediction_rows_total", ""] == 3
    assert values["predictions_in_flight", ""] == 2


def test_cells_that_nobody_uses_cost_nothing(bundle: Path) -> None:
    """Room is made for hundreds of workers, but only those that count take memory."""
    manifest = widened(bundle, 50_000, 0)
    before, start = resident_bytes(), time.perf_counter()
    metrics = Metrics(manifest, ROUTES, workers=256)
    assert time.perf_counter() - start < 5
    assert metrics.row % PAGE == 0
    assert len(metrics.shared) > 300e6
    assert resident_bytes() - before < 60e6


@pytest.mark.slow
def test_model_of_thousands_of_inputs_is_served(tmp_path: Path) -> None:
    """A server of 3,000 inputs starts as others do, answers, and counts each input."""
    values = np.random.default_rng(0).normal(size=(24, 3_000))
    X = pd.DataFrame(values, columns=[f"input_{number}" for number in range(3_000)])
    bundle = store(tmp_path / "wide", LinearRegression().fit(X, values[:, 0]), X)
    with Server(bundle) as server:
        assert server.post("/predict", {"features": [0.0] * 2_999 + [1e9]}).status_code == 200
        shown = series(server.get("/metrics").text)
    assert shown["feature_out_of_range_total", "input_2999"] == 1


@pytest.fixture(scope="module")
def server(bundle: Path) -> Iterator[Server]:
    """A server of the flowers model."""
    with Server(bundle) as server:
        yield server


@pytest.fixture(scope="module")
def make_router(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Router]:
    """A function that makes a router before the server on a port."""
    return lambda port: Router(tmp_path_factory.mktemp("router"), "flowers", port)


@pytest.fixture(scope="module")
def router(make_router: Callable[[int], Router], server: Server) -> Iterator[Router]:
    """A router before the server."""
    with make_router(server.port) as router:
        yield router


def ask(port: int, request: bytes) -> tuple[bytes, bytes]:
    """Send bytes; return the head and the body of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(request)
        answer = HTTPResponse(client)
        answer.begin()
        lines = [f"HTTP/1.1 {answer.status} ", *(f"{n}: {v}" for n, v in answer.getheaders()), ""]
        return "\r\n".join(lines).lower().encode(), answer.read()


IDS = [
    b"good-1", b"", b'"', b"\\", b'a","error":"none', b"a\tb", b"a b", b"\x01", b"\x1b[2J", b"\xff",
    b"\xc3\xa9", b"\xe2\x80\xa8", b"</script>", b"a" * 128, b"a" * 129, b"a" * 6000, b"$host",
    b"%22", b"{", b"a\x00b", b"a\r\n folded", b'a\r\nx-request-id: b"',
]  # fmt: skip
ADDRESSES = [
    b"/nothing", b'/"', b"/\\", b'/x","error":"y', b"/\xff", b"/\xc3\xa9", b"/%22", b'/a?b="c"',
    b"/<script>", b"/" + b"a" * 300, b"/" + b"a" * 6000, b"/" + b"a" * 40_000, b"/$id", b"/a\tb",
    b"/flowers/metrics", b'/flowers/x"y', b"/%zz", b"/%00", b"/../..", b"/a b", b"/a\x7f", b"*",
    b'http://x/"', b'http://"/', b"x:1", b"",
]  # fmt: skip


@pytest.mark.engine
@pytest.mark.parametrize("identity", IDS)
def test_id_cannot_write_the_routers_answer(router: Router, identity: bytes) -> None:
    """Whatever the id holds, the answer is one JSON object, with that id or one of nginx's own."""
    line = b"x-request-id: %b\r\n" % identity
    head, body = ask(router.port, b"GET /nothing HTTP/1.1\r\n" + HEADERS + line + b"\r\n")
    answer = json.loads(body)
    assert set(answer) == {"error", "request_id"}
    assert SAFE_ID.fullmatch(answer["request_id"])
    assert (answer["request_id"] == identity.decode("latin-1")) == bool(
        REQUEST_ID.fullmatch(identity)
    )
    assert b"content-type: application/json" in head


@pytest.mark.engine
@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("method", [b"GET", b"POST", b"TRACE", b"CONNECT", b'G"T'])
def test_address_cannot_write_the_routers_answer(
    router: Router, method: bytes, address: bytes
) -> None:
    """Whatever address is asked for, the answer is JSON that the router wrote."""
    head, body = ask(router.port, b"%b %b HTTP/1.1\r\n" % (method, address) + HEADERS + b"\r\n")
    if b"\r\nlocation:" not in head:
        assert isinstance(json.loads(body)["error"], str)
        assert b"content-type: application/json" in head


@pytest.mark.engine
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"POST /flowers/predict HTTP/1.1\r\n%bcontent-length: 5000000\r\n\r\n", 413),
        (b"POST /flowers/predict HTTP/1.1\r\n%btransfer-encoding: gzip\r\n\r\n", 501),
        (b"POST /flowers/predict HTTP/1.1\r\n%btransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET /flowers/health HTTP/7.1\r\n%b\r\n", 505),
        (b'GET /flowers/health HTTP/1.1\r\n%bhost: "\r\n\r\n', 400),
        (b"GET /flowers/health HTTP/1.1\r\n%bx: " + b"a" * 40_000 + b"\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_other_errors_of_the_router_are_json(router: Router, request_: bytes, status: int) -> None:
    """A request that nginx itself refuses gets the same form of answer as all."""
    head, body = ask(router.port, request_.replace(b"%b", HEADERS + b'x-request-id: "\r\n'))
    assert head.startswith(b"http/1.1 %d " % status)
    assert set(json.loads(body)) == {"error", "request_id"}


@pytest.mark.engine
def test_no_replica_is_said_in_json(make_router: Callable[[int], Router]) -> None:
    """A model without replicas is a 502 that repeats nothing of the request."""
    with make_router(int(free_address().rpartition(":")[2])) as alone:
        request = b'GET /flowers/"?" HTTP/1.1\r\n%bx-request-id: "\r\n\r\n' % HEADERS
        head, body = ask(alone.port, request)
    assert head.startswith(b"http/1.1 502 ")
    assert set(json.loads(body)) == {"error", "request_id"}


@pytest.mark.engine
@pytest.mark.parametrize("identity", [b"good-2", b'bad"', b"\x1b[2J", b"a" * 129])
def test_id_is_the_same_everywhere(router: Router, server: Server, identity: bytes) -> None:
    """The router, the replica, both logs and the answer have the same safe request id."""
    body = b'{"features":[5.1,3.5,1.4,0.2]}'
    line = b"x-request-id: %b\r\ncontent-type: application/json\r\n" % identity
    request = b"POST /flowers/predict HTTP/1.1\r\n%b%bcontent-length: %d\r\n\r\n%b"
    head, _ = ask(router.port, request % (HEADERS, line, len(body), body))
    (used,) = re.findall(r"x-request-id: (.*)", head.decode())
    assert (used.strip() == identity.decode()) == bool(REQUEST_ID.fullmatch(identity))
    assert server.line(used.strip())["message"]
    logged = f'"request_id":"{used.strip()}"'
    wait_until(lambda: logged in router.log, "the line of the log")


@pytest.mark.engine
def test_routers_log_is_json_whatever_comes(router: Router) -> None:
    """No byte of an address or of a client's name makes a line of the log unreadable."""
    for odd in (b"\xff", b'"', b"\\", b"\x1b", b"\xc3\xa9", b"last"):
        agent = b"user-agent: %b\r\n" % odd
        ask(router.port, b"GET /%b HTTP/1.1\r\n%b%b\r\n" % (odd, HEADERS, agent))
    wait_until(lambda: "/last" in router.log, "the line of the log")
    lines = [json.loads(line) for line in router.log.splitlines()]
    assert {'"', "\\", "not ASCII", "last"} <= {line["agent"] for line in lines}
    assert {'/"', "/\\", "not ASCII", "/last"} <= {line["path"] for line in lines}


@pytest.mark.parametrize("identity", [name for name in IDS if not REQUEST_ID.fullmatch(name)])
def test_server_echoes_no_id_that_is_more_than_a_name(server: Server, identity: bytes) -> None:
    """An id with other characters than a name's is replaced, or its request is refused."""
    line = b"x-request-id: %b\r\ntraceparent: 00-%b\r\n" % (identity, identity)
    head, _ = ask(server.port, b"POST /predict HTTP/1.1\r\n" + HEADERS + line + b"\r\n")
    assert b"traceparent" not in head
    assert head.startswith((b"http/1.1 415 ", b"http/1.1 400 "))
    for used in re.findall(rb"x-request-id: (.*?)\r\n", head):
        assert re.fullmatch(rb"[0-9a-f]{16}-[0-9a-f]+", used)
