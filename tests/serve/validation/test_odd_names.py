"""Whatever a column or a class is called, every protocol, document and counter has it as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from contract import bundle as bundles
from contract.bundle import Bundle
from tests.support.models.odd_names import CLASSES, NUMERIC, TEXTS
from tests.support.servers.server import Server

pytestmark = pytest.mark.slow  # starts a server


@pytest.fixture(scope="module")
def bundle(make_bundle: Callable[[str], Path]) -> Bundle:
    """A bundle with every odd name."""
    return bundles.read(make_bundle("odd"))


@pytest.fixture(scope="module")
def server(bundle: Bundle) -> Iterator[Server]:
    """Its server."""
    with Server(bundle.path) as running:
        yield running


@pytest.mark.parametrize("path", ["/predict", "/invocations", "/v1/models/odd:predict"])
def test_rows_by_odd_names_are_answered(server: Server, bundle: Bundle, path: str) -> None:
    """An object by name gets the recorded answer of its row, in whatever order it comes."""
    rows = [dict(reversed(example.features.items())) for example in bundle.examples]
    answers = server.post(path, {"instances": rows}).json()["predictions"]
    for example, answer in zip(bundle.examples, answers, strict=True):
        probabilities = [answer["probabilities"][name] for name in bundle.manifest.classes or []]
        assert example.is_answered_by(answer["prediction"], probabilities)


def test_row_by_odd_names_may_leave_out_what_may_be_missing(server: Server, bundle: Bundle) -> None:
    """A field that may be missing may be absent, and no other may."""
    row = bundle.examples[0].features
    absent = {name: value for name, value in row.items() if name != "toString"}
    assert server.post("/predict", {"features": absent}).status_code == 200
    absent = {name: value for name, value in row.items() if name != "\\"}
    problem = server.post("/predict", {"features": absent}).json()
    assert (problem["field"], problem["got"]) == ("\\", "nothing")
    assert problem["error"].startswith('features."\\\\" must be one of "u", "v"')


@pytest.mark.parametrize("name", ["value0", "", "Bemerkung alt", "__dict__", '"\\'])
def test_row_by_odd_names_has_no_other_field(server: Server, bundle: Bundle, name: str) -> None:
    """A field that is no input is refused, even where it is called as something inside."""
    row = bundle.examples[0].features | {name: 1.0}
    for path in ("/predict", "/v1/models/odd:predict"):
        answer = server.post(path, {"instances": [row]})
        assert answer.status_code == 422
        assert answer.json()["field"] == name


def test_odd_field_that_occurs_twice_is_refused(server: Server, bundle: Bundle) -> None:
    """However a key is escaped, the same key twice is a 400."""
    row = json.dumps(bundle.examples[0].features)
    for again in (json.dumps(TEXTS[1]), '"\\u005c"'):
        body = f'{{"features":{row[:-1]},{again}:"u"}}}}'
        assert server.send(body.encode()).status_code == 400


def test_document_has_every_odd_name(server: Server, bundle: Bundle) -> None:
    """The OpenAPI document has each field with its type, and whole golden examples."""
    document = server.get("/openapi.json").json()
    row = document["components"]["schemas"]["Row"]
    names = [field.name for field in bundle.manifest.inputs]
    assert names == list(row["properties"])
    assert [name for name in names if name != "toString"] == row["required"]
    assert row["additionalProperties"] is False
    body = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    examples = body["examples"]["many rows"]["value"]["instances"]
    assert [example.features for example in bundle.examples[:3]] == examples
    classes = document["components"]["schemas"]["Probabilities"]["properties"]
    assert list(bundle.manifest.classes or []) == list(classes)


def test_metrics_count_by_odd_names(server: Server, bundle: Bundle) -> None:
    """Prometheus reads each name back as it is, and a surprise counts for its own input."""
    row: dict[str, Any] = bundle.examples[0].features
    for name in NUMERIC:
        server.post("/predict", {"features": row | {name: 1e6}})
    families = {
        family.name: family.samples
        for family in text_string_to_metric_families(server.get("/metrics").text)
    }
    counted = {
        sample.labels["feature"]: sample.value for sample in families["feature_out_of_range"]
    }
    assert {**dict.fromkeys(TEXTS, 0), **dict.fromkeys(NUMERIC, 1)} == counted
    assert {sample.labels["class"] for sample in families["predictions"]} == set(CLASSES)


def test_every_wrong_odd_field_is_named(server: Server, bundle: Bundle) -> None:
    """Of many wrong fields, the refusal names the first ten, and says that there are more."""
    names = [field.name for field in bundle.manifest.inputs]
    problem = server.post("/predict", {"features": dict.fromkeys(names, True)}).json()
    assert [wrong["field"] for wrong in problem["problems"]] == names[:10]
    assert problem["error"].endswith("There are more.")
