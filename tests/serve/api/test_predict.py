"""POST /predict gives the answers of the trained estimator, in every form of a row."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract.bundle import Bundle, Example, numbers_beside
from tests.support.servers.server import Server

pytestmark = pytest.mark.slow  # starts servers


def test_predict_answers_golden_examples_by_name(any_bundle: Bundle, any_server: Server) -> None:
    """A row as an object gets the recorded answer, in whatever order its fields come."""
    for example in any_bundle.examples:
        features = dict(reversed(example.features.items()))
        answer = any_server.post("/predict", {"features": features})
        assert answer.status_code == 200, answer.text
        assert_same(example, answer.json())


def test_predict_answers_golden_examples_by_position(
    any_bundle: Bundle, any_server: Server
) -> None:
    """A row as a list, in the manifest's order, gets the recorded answer."""
    for example in any_bundle.examples:
        answer = any_server.post("/predict", {"features": list(example.features.values())})
        assert_same(example, answer.json())


def test_predict_answers_many_rows_in_order(any_bundle: Bundle, any_server: Server) -> None:
    """Many rows, lists and objects mixed, get one answer each, in their order."""
    rows: list[Any] = [
        list(example.features.values()) if index % 2 else example.features
        for index, example in enumerate(any_bundle.examples)
    ]
    answers = any_server.post("/predict", {"instances": rows}).json()["predictions"]
    assert len(any_bundle.examples) == len(answers)
    for example, answer in zip(any_bundle.examples, answers, strict=True):
        assert_same(example, answer)


def test_predict_scores_large_requests_off_the_loop(any_bundle: Bundle, any_server: Server) -> None:
    """Thousands of rows, which a thread scores, get the same answers as one."""
    rows = [list(example.features.values()) for example in any_bundle.examples] * 300
    answers = any_server.post("/predict", {"instances": rows}).json()["predictions"]
    for index in (0, 7, len(rows) - 1):
        assert_same(any_bundle.examples[index % len(any_bundle.examples)], answers[index])


def test_predict_treats_absent_and_null_alike(birds_server: Server) -> None:
    """Where training had missing values a field may be null or left out."""
    null = {"island": "Dream", "mass": 4000, "bill": None, "sex": None}
    absent = {"island": "Dream", "mass": 4000}
    answers = [birds_server.post("/predict", {"features": row}).json() for row in (null, absent)]
    assert answers[0] == answers[1]
    assert "prediction" in answers[0]


def test_predict_returns_integer_classes_as_integers(birds_server: Server) -> None:
    """A class that was an integer in training is one in the answer."""
    answer = birds_server.post("/predict", {"features": ["Dream", 40.0, "male", 4000]}).json()
    assert answer["prediction"] in (0, 1)
    assert list(answer["probabilities"]) == ["0", "1"]


def test_anomaly_score_is_called_one(make_bundle: Callable[[str], Path]) -> None:
    """A model that detects anomalies says which rows are some and how much, and no probability."""
    rows = [{"amount": 300.0, "hour": 3.0}, {"amount": 40.0, "hour": 12.0}]
    with Server(make_bundle("payments")) as server:
        odd, usual = server.post("/predict", {"instances": rows}).json()["predictions"]
        described = server.get("/openapi.json").json()["components"]["schemas"]["Answer"]
    assert [*odd] == [*described["properties"]] == ["prediction", "anomaly_score"]
    assert (odd["prediction"], usual["prediction"]) == ("odd", "usual")
    assert odd["anomaly_score"] > 0 > usual["anomaly_score"]


def test_predict_echoes_request_id(flowers_server: Server) -> None:
    """The id a client sends comes back in the answer and stands in the log line."""
    answer = flowers_server.send(b'{"features":[1,2,3,4]}', **{"x-request-id": "order-66"})
    assert answer.headers["x-request-id"] == "order-66"


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "application/vnd.x+json"])
def test_predict_takes_every_json_content_type(flowers_server: Server, kind: str) -> None:
    """JSON is JSON with parameters or a suffix, too."""
    answer = flowers_server.send(b'{"features":[1,2,3,4]}', **{"content-type": kind})
    assert answer.status_code == 200


def assert_same(example: Example, answer: dict[str, Any]) -> None:
    """Compare an answer with the recorded one."""
    probabilities = answer.get("probabilities", {})
    assert example.is_answered_by(answer["prediction"], numbers_beside(answer)), answer
    if isinstance(example.prediction, dict):  # of several labels there is no single probability
        assert "probability" not in answer
        assert list(probabilities) in ([], list(example.prediction))
    else:
        assert answer.get("probability") == probabilities.get(str(answer["prediction"]))
