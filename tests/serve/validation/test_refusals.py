"""A bad request gets a 4xx that says which row and field, what was expected, and what came."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from tests.support.servers.server import Server

pytestmark = pytest.mark.slow  # starts servers

GOOD = {"island": "Dream", "bill": 40.5, "sex": "male", "mass": 4000}
NUMBER = "a number (within ±3.4e38)"


def row(**changes: Any) -> dict[str, Any]:
    """Return a request of one good row, with some of its features changed."""
    return {"features": GOOD | changes}


@pytest.mark.parametrize(
    ("body", "field", "expected", "got"),
    [
        (row(mass="4000"), "mass", NUMBER, '"4000"'),
        (row(mass=True), "mass", NUMBER, "true"),
        (row(mass=None), "mass", NUMBER, "null"),
        (row(mass=[1]), "mass", NUMBER, "a list"),
        (row(mass={"x": 1}), "mass", NUMBER, "an object"),
        (row(mass=1e39), "mass", NUMBER, "1e+39"),
        (row(bill="x"), "bill", f"{NUMBER}, or null", '"x"'),
        (row(island="Mars"), "island", 'one of "Biscoe", "Dream"', '"Mars"'),
        (row(island=""), "island", 'one of "Biscoe", "Dream"', '""'),
        (row(island=3), "island", 'one of "Biscoe", "Dream"', "3"),
        (row(sex="other"), "sex", 'one of "female", "male", or null', '"other"'),
        (row(wing=1), "wing", "one of the fields island, bill, sex, mass", '"wing"'),
        ({"features": {"island": "Dream"}}, "mass", NUMBER, "nothing"),
        ({"features": ["Dream", 1, None]}, None, "4 values (island, bill, sex, mass)", "3 values"),
        ({"features": "Dream"}, None, "a list or an object of values", '"Dream"'),
        ({"instances": []}, None, "a list with at least one row", "an empty list"),
        ({"instances": {}}, None, "a list with at least one row", "an object"),
    ],
)
def test_refusal_names_field_expected_and_got(
    birds_server: Server, body: Any, field: str | None, expected: str, got: str
) -> None:
    """A row that is not what the model was trained on is a 422 that explains itself."""
    answer = birds_server.post("/predict", body)
    problem = answer.json()
    assert answer.status_code == 422
    assert (field, expected, got) == (problem.get("field"), problem["expected"], problem["got"])
    assert all(words in problem["error"] for words in (expected, got))


def test_refusal_names_the_row(birds_server: Server) -> None:
    """Among many rows the first bad one is named by its number, counted from 0."""
    bad = GOOD | {"mass": "heavy"}
    problem = birds_server.post("/predict", {"instances": [GOOD, GOOD, bad, bad]}).json()
    assert (problem["row"], problem["field"]) == (2, "mass")
    assert problem["error"].startswith("instances[2].mass must be a number")


FOUR = {"island": "Mars", "bill": "wide", "sex": 1, "mass": None}


@pytest.mark.parametrize("path", ["/predict", "/v1/models/birds:predict"])
def test_refusal_names_every_wrong_field(birds_server: Server, path: str) -> None:
    """Four wrong fields of a row are named at once, in words and for programs."""
    for row in (FOUR, list(FOUR.values())):
        problem = birds_server.post(path, {"instances": [GOOD, row]}).json()
        assert [(wrong["row"], wrong["field"]) for wrong in problem["problems"]] == [
            (1, name) for name in FOUR
        ]
        assert problem["error"] == " ".join(wrong["error"] for wrong in problem["problems"])
        first = problem["problems"][0]
        assert first | problem == problem | {"error": problem["error"]}
    alone = birds_server.post(path, {"instances": [GOOD, GOOD | {"mass": "x"}]}).json()
    assert "problems" not in alone


def test_refusal_names_every_wrong_tensor(birds_server: Server) -> None:
    """Four wrong inputs of the Open Inference Protocol are named at once, and one that lacks."""
    datatypes = {"island": "FP64", "bill": "BYTES", "mass": "BF16", "wing": "FP64"}
    inputs = [
        {"name": name, "shape": [1], "datatype": datatype, "data": [True]}
        for name, datatype in datatypes.items()
    ]
    path = "/v2/models/birds/infer"
    problem = birds_server.post(path, {"inputs": inputs}).json()
    assert [wrong["field"] for wrong in problem["problems"]] == list(datatypes)
    problem = birds_server.post(path, {"inputs": inputs[:2]}).json()
    assert [wrong["field"] for wrong in problem["problems"]] == ["island", "bill", "mass"]
    values = [
        {"name": name, "shape": [1], "datatype": kind, "data": [value]}
        for name, kind, value in (("island", "BYTES", "Mars"), ("mass", "FP64", 1e300))
    ]
    problem = birds_server.post(path, {"inputs": values}).json()
    assert [wrong["field"] for wrong in problem["problems"]] == ["island", "mass"]


def test_refusal_is_bounded(birds_server: Server) -> None:
    """However much is wrong, and however long it is, a refusal stays short."""
    rows = [{f"{place}" * 1000: "y" * 1000 for place in range(100)} for _ in range(5)]
    for path in ("/predict", "/v1/models/birds:predict"):
        answer = birds_server.post(path, {"instances": rows})
        assert answer.status_code == 422
        assert len(answer.content) < 20_000
        assert answer.json()["error"].endswith("There are more.")
    tensors = [
        {"name": f"{place}" * 1000, "shape": [1], "datatype": "z" * 1000, "data": [1]}
        for place in range(100)
    ]
    answer = birds_server.post("/v2/models/birds/infer", {"inputs": tensors})
    assert answer.status_code == 422
    assert len(answer.content) < 20_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"features":[1,2,3,4]',
        b'{"features":[1,2,3,NaN]}',
        b'{"features":[1,2,3,Infinity]}',
        b'{"features":[1,2,3,4],"features":[1,2,3,4]}',
        b'{"features":[1,2,3,4]} {}',
        b'{"features":["\xff",2,3,4]}',
        b'{"features":' + b"[" * 100_000,
        b"\xef\xbb\xbf" + b'{"features":[1,2,3,4]}',
    ],
)
def test_refusal_of_what_is_not_json_is_400(flowers_server: Server, body: bytes) -> None:
    """A body that is not JSON, or could mean two things, is a 400."""
    answer = flowers_server.send(body)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 400, "9" * 5000])
def test_refusal_of_a_number_too_large_to_hold(flowers_server: Server, number: str) -> None:
    """A number no float can hold is refused, not turned into infinity."""
    answer = flowers_server.send(b'{"features":[1,2,3,%b]}' % number.encode())
    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    "features",
    [
        b'{"mass":1,"island":"Dream","bill":1,"sex":"male","mass":1}',
        b'{"mass":1,"island":"Dream","bill":1,"mass":1}',
        b'{"mass":1,"island":"Dream","island":"Biscoe"}',
    ],
)
def test_refusal_of_duplicate_fields(birds_server: Server, features: bytes) -> None:
    """A field that occurs twice is refused, even where another is absent."""
    for body in (b'{"features":%b}' % features, b'{"instances":[%b]}' % features):
        answer = birds_server.send(body)
        assert answer.status_code == 400
        assert "once" in answer.json()["error"]


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "json"])
def test_refusal_of_other_content_types_is_415(flowers_server: Server, kind: str) -> None:
    """A body that is not said to be JSON is a 415."""
    answer = flowers_server.send(b'{"features":[1,2,3,4]}', **{"content-type": kind})
    assert answer.status_code == 415
    assert "application/json" in answer.json()["error"]


def test_refusal_of_compressed_bodies_is_415(flowers_server: Server) -> None:
    """A body that is said to be compressed is refused as that, and not as broken JSON."""
    encoded = {"content-encoding": "gzip"}
    answer = flowers_server.send(b'{"features":[1,2,3,4]}', **encoded)
    assert answer.status_code == 415
    assert "compressed" in answer.json()["error"]


def test_refusal_of_other_methods_is_405(flowers_server: Server) -> None:
    """A known path with another method is a 405 that names the right one."""
    assert flowers_server.get("/predict").status_code == 405
    assert flowers_server.post("/health").status_code == 405
    assert flowers_server.get("/predict").headers["allow"] == "POST"
    assert flowers_server.post("/health").headers["allow"] == "GET, HEAD"


def test_refusal_of_unknown_paths_is_404(flowers_server: Server) -> None:
    """An unknown path is a 404 in the same form as every refusal."""
    answer = flowers_server.get("/nope")
    assert answer.status_code == 404
    assert "/nope" in answer.json()["error"]


def test_refusal_of_too_many_rows_is_422(small_server: Server) -> None:
    """More rows than MAX_ROWS are refused, with the name of the setting."""
    answer = small_server.post("/predict", {"instances": [[1, 2, 3, 4]] * 4})
    assert answer.status_code == 422
    assert "MAX_ROWS" in answer.json()["error"]


def test_refusal_of_large_body_comes_before_it_is_read(small_server: Server) -> None:
    """A body that is said to be too large is refused before any of it arrives."""
    with socket.create_connection(("127.0.0.1", small_server.port), timeout=5) as client:
        head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
        client.sendall(head + b"content-length: 1001\r\n\r\n")
        answer = b""
        while b"}" not in answer:
            answer += client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"MAX_BODY_BYTES" in answer


def test_refusal_of_large_chunked_body_reaches_the_client(small_server: Server) -> None:
    """A client that streams too much, without saying how much, still reads the reason."""
    answer = small_server.session.post(
        small_server.url("/predict"),
        data=iter([b" " * 10_000] * 20),
        headers={"content-type": "application/json"},
        timeout=5,
    )
    assert answer.status_code == 413


HEAD = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


@pytest.mark.parametrize(
    "start",
    [
        b"",
        HEAD[:15],
        HEAD,
        HEAD + b"content-length: 20\r\n\r\n{",
        HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n",
    ],
)
def test_slow_request_times_out(small_server: Server, start: bytes) -> None:
    """A client that does not finish its request is answered 408 and let go."""
    with socket.create_connection(("127.0.0.1", small_server.port), timeout=5) as client:
        client.sendall(start)
        answer = client.recv(4096)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert client.recv(4096) == b""


def test_refusals_are_logged_without_alarm(birds_server: Server) -> None:
    """A client's mistake is logged at level info, with status and reason."""
    birds_server.send(b'{"features":{}}', **{"x-request-id": "mistake"})
    line = birds_server.line("mistake")
    assert (line["status"], line["level"], line["route"]) == (422, "info", "/predict")
    assert json.dumps(line["error"])
