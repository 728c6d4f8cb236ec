"""What a container must do on a hostile host: read-only, no capabilities, no network, any user."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from contract.bundle import MANIFEST, Bundle, Example, Input, Value
from ship.deploy.golden_check import agrees
from ship.host.confined import make_network
from tests.image.container import HOSTILE, Container, docker
from tests.support.waiting import wait_until

pytestmark = pytest.mark.engine


def test_health_is_ok(container: Container) -> None:
    """/health of a running container answers that it is alive."""
    reply = container.get("/health")
    assert (reply.status_code, reply.json()["status"]) == (200, "ok")


def test_ready_follows_the_golden_examples(container: Container) -> None:
    """A container that answered its golden examples as recorded is ready."""
    assert container.get("/ready").status_code == 200


def test_predict_answers_every_golden_example_as_recorded(
    container: Container, bundle: Bundle
) -> None:
    """Each holdout row in the bundle gets the answer the exported model gave."""
    for example in bundle.examples:
        reply = container.post("/predict", {"features": example.features})
        assert reply.status_code == 200, reply.text
        assert agrees(reply.json(), example), (reply.text, example)


def test_predict_takes_rows_as_lists(container: Container, bundle: Bundle) -> None:
    """A row may be a list in the order of the manifest's inputs, and many get as many answers."""
    rows = [list(example.features.values()) for example in bundle.examples]
    reply = container.post("/predict", {"instances": rows})
    assert reply.status_code == 200, reply.text
    answers = reply.json()["predictions"]
    assert len(answers) == len(bundle.examples)
    for answer, example in zip(answers, bundle.examples, strict=True):
        assert agrees(answer, example), (answer, example)


def test_predict_names_the_field_that_is_wrong(container: Container, bundle: Bundle) -> None:
    """A value of the wrong type is the client's error, and the reply says where it is."""
    good = bundle.examples[0].features
    for name in good:
        reply = container.post("/predict", {"features": {**good, name: {"not": "a value"}}})
        assert 400 <= reply.status_code < 500
        assert reply.json()["field"] == name


@pytest.mark.parametrize("body", [{}, [], None, {"features": []}, {"instances": []}, "text"])
def test_predict_refuses_what_is_not_a_row(container: Container, body: Any) -> None:
    """A body without a whole row in it gets a 4xx, never a 500."""
    assert 400 <= container.post("/predict", body).status_code < 500


def test_metadata_is_the_manifest(container: Container, bundle: Bundle) -> None:
    """The service describes itself with the bundle's manifest."""
    manifest = json.loads((bundle.path / MANIFEST).read_bytes())
    served = container.get("/metadata").json()
    assert {key: served[key] for key in manifest} == manifest


def test_log_is_json_without_errors(container: Container, bundle: Bundle) -> None:
    """Every log line is a JSON object, and serving good requests logs no warning and no error."""
    container.post("/predict", {"features": bundle.examples[0].features})
    lines = container.logs()
    assert lines
    assert [
        line for line in lines if line.get("level", "info").lower() not in ("info", "debug")
    ] == []


def test_stop_exits_zero_in_time(image: str) -> None:
    """SIGTERM to PID 1 ends the service with exit code 0, well before the host loses patience."""
    make_network()
    with Container(image) as container:
        exit_code, seconds = container.wait_ready().stop()
    assert exit_code == 0
    assert seconds < 5


def test_container_becomes_healthy_without_any_network(image: str) -> None:
    """The image's own HEALTHCHECK passes in a container that has only a loopback interface."""
    options = [option for option in HOSTILE if not option.startswith("--network")]
    with Container(image, *options, "--network=none", "--health-interval=1s") as container:

        def healthy() -> bool:
            status = docker("inspect", "--format={{.State.Health.Status}}", container.id)
            return status.strip() == "healthy"

        wait_until(healthy, "health")


def test_container_writes_nothing_outside_tmp(image: str, bundle: Bundle) -> None:
    """Even as root on a writable file system, serving leaves every file of the image alone."""
    with Container(image, "--network=bridge", user="0") as container:
        container.wait_ready().post("/predict", {"features": bundle.examples[0].features})
        assert [path for path in container.changed_files() if not path.startswith("/tmp")] == []  # noqa: S108


def test_container_needs_no_shell(image: str, bundle: Bundle) -> None:
    """With every shell replaced by an empty file, the service starts and answers."""
    shells = ("/usr/bin/sh", "/usr/bin/dash", "/usr/bin/bash")
    hidden = [f"--volume=/dev/null:{shell}:ro" for shell in shells]
    make_network()
    with Container(image, *HOSTILE, *hidden) as container:
        reply = container.wait_ready().post("/predict", {"features": bundle.examples[0].features})
        assert reply.status_code == 200


def test_info_prints_the_manifest(image: str, bundle: Bundle) -> None:
    """`docker run IMAGE info` says what is inside, without serving."""
    printed = docker("run", "--rm", *HOSTILE, image, "info")
    assert json.loads(printed) == json.loads((bundle.path / MANIFEST).read_bytes())


def test_predict_scores_a_table_in_bulk(image: str, bundle: Bundle) -> None:
    """`docker run -i IMAGE predict` reads CSV and writes each row with its prediction."""
    inputs = bundle.manifest.inputs
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(field.name for field in inputs)
    for example in bundle.examples:
        writer.writerow(cell(field, example.features[field.name]) for field in inputs)
    scored = docker(
        "run", "--rm", "--interactive", *HOSTILE, image, "predict", stdin=table.getvalue()
    )
    _, *rows = csv.reader(io.StringIO(scored))
    for row, example in zip(rows, bundle.examples, strict=True):
        prediction, numbers = read_cells(bundle, example, row[len(inputs) :])
        assert example.is_answered_by(prediction, list(map(float, numbers))), (row, example)


def read_cells(bundle: Bundle, example: Example, cells: list[str]) -> tuple[object, list[str]]:
    """Return the prediction in the cells of an answer, and those of the numbers beside it."""
    targets = bundle.manifest.targets
    if isinstance(example.prediction, dict):
        values = map(json.loads, cells[: len(targets)])
        return dict(zip(targets, values, strict=True)), cells[len(targets) :]
    label, *numbers = cells
    if bundle.has_probabilities:
        numbers = numbers[1:]  # the first is that of the label, then each class has one
    return type(example.prediction)(label), numbers


def cell(field: Input, value: Value) -> Value:
    """Return a value as the model's tables write it."""
    return (field.true if value else field.false) if isinstance(value, bool) else value
