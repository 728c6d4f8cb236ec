"""Hosts and clients of other servers find in a container what they expect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tritonclient.http import InferenceServerClient

from contract.bundle import Bundle
from ship.host.confined import make_network
from tests.image.container import HOSTILE, Container
from tests.image.triton import assert_described, assert_golden_answers

pytestmark = pytest.mark.engine


@pytest.fixture
def triton(container: Container) -> Iterator[InferenceServerClient]:
    """A client of the Open Inference Protocol, Triton's own."""
    client = InferenceServerClient(container.url.removeprefix("http://"))
    yield client
    client.close()


def instances(bundle: Bundle) -> dict[str, Any]:
    """Return the golden examples as a request of TensorFlow Serving."""
    return {"instances": [list(row.features.values()) for row in bundle.examples]}


def test_triton_client_finds_and_asks_the_model(
    triton: InferenceServerClient, bundle: Bundle
) -> None:
    """Triton's client finds the image live, ready and described, and infers the golden examples."""
    assert_described(triton, bundle)
    assert_golden_answers(triton, bundle)


def test_other_forms_of_request_get_the_same_answers(container: Container, bundle: Bundle) -> None:
    """TensorFlow Serving's, KServe's and SageMaker's routes answer what /predict answers."""
    expected = container.post("/predict", instances(bundle)).json()
    name = bundle.manifest.name
    assert container.get(f"/v1/models/{name}").json()["ready"] is True
    assert container.post(f"/v1/models/{name}:predict", instances(bundle)).json() == expected
    assert container.get("/ping").status_code == 200
    assert container.post("/invocations", instances(bundle)).json() == expected


def test_vertex_ai_finds_its_port_and_routes(image: str, bundle: Bundle) -> None:
    """A container listens and answers where Vertex AI's variables say."""
    make_network()
    variables = {
        "AIP_HTTP_PORT": "9090",
        "AIP_HEALTH_ROUTE": "/v1/endpoints/7/health",
        "AIP_PREDICT_ROUTE": "/v1/endpoints/7:predict",
    }
    options = [f"--env={name}={value}" for name, value in variables.items()]
    with Container(image, *HOSTILE, *options, port=9090) as container:
        container.wait_ready()
        assert container.get("/v1/endpoints/7/health").status_code == 200
        answers = container.post("/v1/endpoints/7:predict", instances(bundle)).json()
    assert len(bundle.examples) == len(answers["predictions"])


def test_hosts_may_name_the_port_and_the_command(image: str) -> None:
    """A container listens where PORT says, as on Cloud Run, and knows SageMaker's word `serve`."""
    make_network()
    options = (*HOSTILE, "--env=PORT=7070")
    with Container(image, *options, port=7070, arguments=["serve"]) as container:
        assert container.wait_ready().get("/ping").status_code == 200
