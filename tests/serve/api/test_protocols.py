"""Clients of other servers find what they expect: v1, v2, SageMaker, Vertex AI, Cloud Run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tritonclient.http import InferenceServerClient, InferRequestedOutput
from tritonclient.utils import InferenceServerException

from contract.bundle import Bundle
from tests.image.triton import assert_described, assert_golden_answers, golden_inputs
from tests.support.servers.server import Server

pytestmark = pytest.mark.slow  # starts servers


def tensor(name: str, datatype: str, data: list[Any], shape: list[int] | None = None) -> Any:
    """Return a tensor of the Open Inference Protocol as JSON."""
    return {"name": name, "datatype": datatype, "shape": shape or [len(data)], "data": data}


BIRD = [
    tensor("island", "BYTES", ["Dream", "Biscoe"]),
    tensor("mass", "FP32", [4000, 3000.5]),
    tensor("bill", "FP64", [40.5, None]),
]


@pytest.fixture
def triton(any_server: Server) -> Iterator[InferenceServerClient]:
    """A client of the Open Inference Protocol, Triton's own."""
    client = InferenceServerClient(f"127.0.0.1:{any_server.port}")
    yield client
    client.close()


def test_triton_client_finds_server_and_model(
    triton: InferenceServerClient, any_bundle: Bundle
) -> None:
    """A real client of the protocol finds server and model live, ready, and described."""
    assert_described(triton, any_bundle)


def test_triton_client_gets_golden_answers(
    triton: InferenceServerClient, any_bundle: Bundle
) -> None:
    """A real client of the protocol gets the recorded answers as arrays."""
    assert_golden_answers(triton, any_bundle)


def test_triton_client_gets_requested_outputs_only(
    triton: InferenceServerClient, any_bundle: Bundle
) -> None:
    """A client that asks for one output gets that one."""
    wanted = [InferRequestedOutput("prediction", binary_data=False)]
    inputs = golden_inputs(any_bundle)
    result = triton.infer(any_bundle.manifest.name, inputs, outputs=wanted)
    assert [output["name"] for output in result.get_response()["outputs"]] == ["prediction"]


def test_binary_tensors_are_refused(triton: InferenceServerClient, any_bundle: Bundle) -> None:
    """A client that sends binary tensors is told how to send JSON."""
    with pytest.raises(InferenceServerException, match="binary_data=False") as raised:
        triton.infer(any_bundle.manifest.name, golden_inputs(any_bundle, binary=True))
    assert raised.value.status() == "400"


def infer(server: Server, inputs: list[Any], **more: Any) -> Any:
    """Post inputs to the server by the Open Inference Protocol."""
    return server.post("/v2/models/birds/infer", {"inputs": inputs, **more})


@pytest.mark.parametrize(
    ("datatype", "shape", "data"),
    [
        ("FP64", [2, 4], [5.1, 3.5, 1.4, 0.2, 6.0, 3.0, 5.0, 2.0]),
        ("FP32", [2, 4], [[5.1, 3.5, 1.4, 0.2], [6.0, 3.0, 5.0, 2.0]]),
        ("INT64", [1, 4], [[5, 3, 1, 0]]),
    ],
)
def test_one_tensor_holds_the_table(
    flowers_server: Server, datatype: str, shape: list[int], data: list[Any]
) -> None:
    """All columns may come as one tensor, flat or nested, and get what /predict answers."""
    body = {"inputs": [{"name": "input-0", "shape": shape, "datatype": datatype, "data": data}]}
    answer = flowers_server.post("/v2/models/flowers/versions/1.2.3/infer", body).json()
    rows = np.array(data).reshape(shape).tolist()
    expected = flowers_server.post("/predict", {"instances": rows}).json()["predictions"]
    prediction, probabilities = answer["outputs"]
    assert [row["prediction"] for row in expected] == prediction["data"]
    assert [shape[0], 3] == probabilities["shape"]
    flat = [value for row in expected for value in row["probabilities"].values()]
    assert flat == probabilities["data"]


def test_columns_that_may_be_missing_may_be_absent(birds_server: Server) -> None:
    """An input with missing values in training need not come, and may hold null."""
    answer = infer(birds_server, BIRD).json()
    rows = [{"island": "Dream", "mass": 4000, "bill": 40.5}, {"island": "Biscoe", "mass": 3000.5}]
    expected = birds_server.post("/predict", {"instances": rows}).json()["predictions"]
    assert [row["prediction"] for row in expected] == answer["outputs"][0]["data"]
    assert answer["outputs"][0]["datatype"] == "INT64"


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([*BIRD, tensor("wing", "FP64", [1, 2])], "An input must be one of"),
        ([tensor("mass", "FP64", [1.0])], "island must be there"),
        ([*BIRD[:2], tensor("bill", "FP64", [1.0])], "all of one length"),
        ([*BIRD, BIRD[0]], "different column"),
        ([BIRD[0], tensor("mass", "FP64", ["1", "2"])], "mass must be FP64"),
        ([BIRD[0], tensor("mass", "INT8", [1.5, 2])], "mass must be INT8"),
        ([BIRD[0], tensor("mass", "BOOL", [True, False])], "mass must be a number"),
        ([BIRD[0], tensor("mass", "BF16", [1, 2])], "The datatype of mass"),
        ([BIRD[0], tensor("mass", "FP64", [1, 2], [3])], "The shape of mass"),
        ([BIRD[0], tensor("mass", "FP64", [1, 2], [1, 2])], "[rows] or [rows, 1]"),
        ([BIRD[0], tensor("mass", "FP64", [1, 2], [-2])], "The shape of mass"),
        ([tensor("island", "BYTES", ["Mars", "Dream"]), BIRD[1]], "rows[0].island must be one of"),
        ([], "The input island must be there"),
        ([{"name": "island"}], "must be an inference request"),
        ([tensor("x", "FP64", [1, 2])], "The shape of x must be [rows, 4]"),
    ],
)
def test_bad_tensors_are_refused(birds_server: Server, inputs: list[Any], words: str) -> None:
    """A tensor that is not what it says, or not what the model takes, is a 4xx that says why."""
    answer = infer(birds_server, inputs)
    assert 400 <= answer.status_code < 500
    assert words in answer.json()["error"]


def test_tensors_of_other_content_types_are_refused(birds_server: Server) -> None:
    """A content type that is there must be JSON's."""
    other = {"content-type": "text/plain"}
    answer = birds_server.send(b'{"inputs":[]}', "/v2/models/birds/infer", **other)
    assert answer.status_code == 415


def test_unknown_output_is_refused(birds_server: Server) -> None:
    """An output that does not exist is named."""
    answer = infer(birds_server, BIRD, outputs=[{"name": "odds"}])
    assert answer.status_code == 422
    assert 'Got "odds"' in answer.json()["error"]


def test_deep_nesting_is_refused(birds_server: Server) -> None:
    """Lists within lists without end are a 400, not the end of the process."""
    deep = b"[" * 50_000 + b"]" * 50_000
    body = b'{"inputs":[{"name":"mass","shape":[1],"datatype":"FP64","data":%b}]}' % deep
    assert birds_server.send(body, "/v2/models/birds/infer").status_code == 400
    body = b'{"instances":[],"parameters":{"a":%b}}' % deep
    assert birds_server.send(body, "/v1/models/birds:predict").status_code == 400


@pytest.mark.parametrize(
    "path", ["/v2/models/other", "/v2/models/birds/versions/0", "/v1/models/other:predict"]
)
def test_other_models_are_not_found(birds_server: Server, path: str) -> None:
    """A model or version that is not this one is a 404 with an error."""
    answer = birds_server.get(path)
    assert answer.status_code == 404
    assert answer.json()["error"]


def test_v1_answers_as_tensorflow_serving_and_kserve(flowers_server: Server) -> None:
    """Version 1 lists the model, tells that it is ready, and predicts instances."""
    assert flowers_server.get("/v1/models").json() == {"models": ["flowers"]}
    status = flowers_server.get("/v1/models/flowers").json()
    assert status == {
        "name": "flowers",
        "ready": True,
        "model_version_status": [{"version": "1.2.3", "state": "AVAILABLE"}],
    }
    body = {"signature_name": "serving_default", "instances": [[5.1, 3.5, 1.4, 0.2]]}
    expected = flowers_server.post("/predict", {"features": [5.1, 3.5, 1.4, 0.2]}).json()
    for path in ("/v1/models/flowers:predict", "/v1/models/flowers/versions/1.2.3:predict"):
        assert flowers_server.post(path, body).json() == {"predictions": [expected]}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "instances"),
        ({"instances": []}, "at least one row"),
        ({"instances": [[1, 2, 3, "4"]]}, "petal_width"),
        ({"inputs": {"sepal_length": [1]}}, "instances"),
    ],
)
def test_v1_refuses_what_is_wrong(flowers_server: Server, body: Any, words: str) -> None:
    """Version 1 is as strict as /predict."""
    answer = flowers_server.post("/v1/models/flowers:predict", body)
    assert answer.status_code == 422
    assert words in answer.json()["error"]


def test_sagemaker_pings_and_invokes(flowers_server: Server) -> None:
    """SageMaker's two routes work, and its container argument `serve` is a command."""
    assert flowers_server.get("/ping").status_code == 200
    answer = flowers_server.post("/invocations", {"instances": [[5.1, 3.5, 1.4, 0.2]]})
    assert answer.json()["predictions"][0]["prediction"] == "setosa"


def test_vertex_ai_names_its_own_routes(make_bundle: Callable[[str], Path]) -> None:
    """The port and the routes that Vertex AI's variables name are served."""
    routes = {"AIP_HEALTH_ROUTE": "/v1/alive", "AIP_PREDICT_ROUTE": "/v1/endpoints/1:predict"}
    bundle = make_bundle("flowers")
    with Server(bundle, PORT=1, AIP_HTTP_PORT=0, **routes) as server:
        assert server.get("/v1/alive").status_code == 200
        body = {"instances": [[5.1, 3.5, 1.4, 0.2]], "parameters": {"confidence": 0.5}}
        answer = server.post("/v1/endpoints/1:predict", body)
    assert answer.json()["predictions"][0]["prediction"] == "setosa"


def test_vertex_ai_may_name_routes_that_exist(make_bundle: Callable[[str], Path]) -> None:
    """A variable may name /health or /predict; requests are still counted where they belong."""
    routes = {"AIP_HEALTH_ROUTE": "/health", "AIP_PREDICT_ROUTE": "/predict"}
    with Server(make_bundle("flowers"), **routes) as server:
        assert server.get("/health").json() == {"status": "ready"}
        body = {"instances": [[5.1, 3.5, 1.4, 0.2]]}
        assert server.post("/predict", body).json()["predictions"][0]["prediction"] == "setosa"
        assert server.get("/nowhere").status_code == 404
        counted = server.get("/metrics").text
    for series in ('"/health",status="200"', '"/predict",status="200"', '"other",status="404"'):
        assert f"http_requests_total{{route={series}}} 1\n" in counted
    assert "prediction_seconds_count 1\n" in counted
