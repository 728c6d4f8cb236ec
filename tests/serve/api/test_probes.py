"""What machines ask: alive, ready, counted; and what people read: metadata and docs."""

from __future__ import annotations

import re

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from contract.bundle import Bundle
from tests.support.servers.server import Server, command

pytestmark = pytest.mark.slow  # starts servers


def test_health_names_the_model(any_server: Server, any_bundle: Bundle) -> None:
    """/health says which model, in which version, is alive."""
    expected = {
        "status": "ok",
        "model": any_bundle.manifest.name,
        "version": any_bundle.manifest.version,
    }
    assert expected == any_server.get("/health").json()


def test_probes_answer_head(flowers_server: Server) -> None:
    """HEAD, as some load balancers ask, is answered like GET without a body."""
    answer = flowers_server.session.head(flowers_server.url("/ready"))
    assert (answer.status_code, answer.content) == (200, b"")


def test_healthcheck_follows_ready(flowers_server: Server) -> None:
    """The command for HEALTHCHECK ends with 0 when /ready answers 200, and with 1 otherwise."""
    assert command("healthcheck", PORT=flowers_server.port).returncode == 0
    nobody = command("healthcheck", PORT=1)
    assert nobody.returncode == 1
    assert b"/ready must answer" in nobody.stderr


def test_metadata_is_the_manifest(any_server: Server, any_bundle: Bundle) -> None:
    """/metadata is the manifest of the bundle."""
    expected = msgspec.json.decode(msgspec.json.encode(any_bundle.manifest))
    assert expected == any_server.get("/metadata").json()


def test_openapi_is_typed_from_the_manifest(birds_server: Server) -> None:
    """The document describes the inputs of this model, with their categories and limits."""
    document = birds_server.get("/openapi.json").json()
    row = document["components"]["schemas"]["Row"]
    assert {"island", "bill", "sex", "mass"} == set(row["properties"])
    assert row["properties"]["island"]["enum"] == ["Biscoe", "Dream"]
    assert sorted(row["required"]) == ["island", "mass"]
    assert "/predict" in document["paths"]


def test_docs_need_no_network(flowers_server: Server) -> None:
    """The page refers to no other host, and its policy allows none."""
    answer = flowers_server.get("/docs")
    assert not re.search(r"(src|href)=.(https?:)?//", answer.text)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def metrics(server: Server) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return every sample by name and label values."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(server.get("/metrics").text)
        for sample in family.samples
    }


def test_metrics_count_requests_rows_and_classes(birds_server: Server) -> None:
    """Requests by route and status, rows, and rows by predicted class go up as they should."""
    before = metrics(birds_server)
    row = {"island": "Dream", "mass": 4000}
    birds_server.post("/predict", {"instances": [row] * 3})
    birds_server.post("/predict", {"instances": []})
    after = metrics(birds_server)
    grown = {key: after[key] - before.get(key, 0) for key in after}
    assert grown["http_requests_total", ("/predict", "200")] == 1
    assert grown["http_requests_total", ("/predict", "422")] == 1
    assert grown["prediction_rows_total", ()] == 3
    assert grown["predictions_total", ("0",)] + grown["predictions_total", ("1",)] == 3
    assert grown["prediction_seconds_count", ()] == 1
    assert grown["feature_missing_total", ("bill",)] == 3
    assert grown["feature_missing_total", ("island",)] == 0


def test_metrics_show_drift(birds_server: Server) -> None:
    """A number outside the range of the training rows is counted for its feature."""
    before = metrics(birds_server)
    birds_server.post("/predict", {"features": {"island": "Dream", "mass": 1}})
    after = metrics(birds_server)
    for feature, expected in (("mass", 1), ("bill", 0)):
        key = "feature_out_of_range_total", (feature,)
        assert after[key] - before[key] == expected


def test_metrics_describe_model_and_process(flowers_server: Server) -> None:
    """The model, its readiness and the memory of the process are there to be graphed."""
    values = metrics(flowers_server)
    assert values["model_info", ("flowers", "1.2.3", "abc", "onnx")] == 1
    assert values["model_ready", ()] == 1
    assert values["predictions_in_flight", ()] == 0
    assert values["process_resident_memory_bytes", ()] > 1e6
