"""The log is JSON lines on stdout, one for each prediction."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.servers.server import Server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow  # starts servers

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def bundle(flowers_server: Server) -> Path:
    """The bundle of the server of flowers."""
    return Path(str(flowers_server.settings["BUNDLE"]))


def test_prediction_is_one_line(flowers_server: Server) -> None:
    """The line says when, which request and model, what came, what was answered, how fast."""
    answer = flowers_server.send(
        b'{\r\n  "features": [5.1, 3.5, 1.4, 0.2]\n}', **{"x-request-id": "line"}
    )
    line = flowers_server.line("line").copy()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert 0 < line.pop("ms") < 10_000
    assert line == {
        "level": "info",
        "message": "prediction",
        "id": "line",
        "route": "/predict",
        "model": "flowers",
        "version": "1.2.3",
        "rows": 1,
        "inputs": {"features": [5.1, 3.5, 1.4, 0.2]},
        "outputs": answer.json(),
    }


def test_request_without_id_gets_a_new_one(flowers_server: Server) -> None:
    """Ids are made up, different for each request, where none came or none that is safe."""
    unsafe = {"x-request-id": 'a"b'}
    answers = [flowers_server.send(b'{"features":[1,2,3,4]}', **unsafe) for _ in range(2)]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 2
    assert 'a"b' not in ids


def test_traceparent_is_passed_through(flowers_server: Server) -> None:
    """A W3C trace context comes back with the answer, and its trace id is in the log."""
    answer = flowers_server.send(
        b'{"features":[1,2,3,4]}', traceparent=TRACEPARENT, **{"x-request-id": "traced"}
    )
    assert answer.headers["traceparent"] == TRACEPARENT
    line = flowers_server.line("traced").copy()
    assert line["trace_id"] == TRACEPARENT[3:35]


def test_malformed_traceparent_is_dropped(flowers_server: Server) -> None:
    """A malformed traceparent is neither answered nor logged."""
    answer = flowers_server.send(b'{"features":[1,2,3,4]}', traceparent="00-xyz")
    assert "traceparent" not in answer.headers


def test_inputs_can_be_left_out(bundle: Path) -> None:
    """LOG_INPUTS=0 keeps what clients send out of the log."""
    with Server(bundle, LOG_INPUTS=0) as server:
        server.send(b'{"features":[1,2,3,4]}')
        wait_until(lambda: server.logged("prediction"), "the line of the log")
    (line,) = server.logged("prediction")
    assert "inputs" not in line
    assert line["outputs"]["prediction"]


def test_large_inputs_are_left_out(flowers_server: Server) -> None:
    """A request beyond LOG_MAX_BYTES is logged without what came and went, and says so."""
    flowers_server.post(
        "/predict", {"instances": [[1, 2, 3, 4]] * 2000}, headers={"x-request-id": "large"}
    )
    line = flowers_server.line("large").copy()
    assert (line["rows"], line["omitted"]) == (2000, "larger than LOG_MAX_BYTES")
    assert not {"inputs", "outputs"} & line.keys()


def test_every_line_is_json_and_calm(bundle: Path) -> None:
    """From start to stop, uvicorn's own messages included, all lines are JSON at level info."""
    with Server(bundle) as server:
        server.send(b'{"features":[1,2,3,4]}')
        assert server.stop() == 0
    messages = [line["message"] for line in server.lines]
    assert messages == ["listening", "ready", "prediction", "stopped"]
