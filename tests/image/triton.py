"""What tests ask through tritonclient, a real client of the Open Inference Protocol."""

from __future__ import annotations

from typing import Any

import numpy as np
from tritonclient.http import InferenceServerClient, InferInput

from contract.bundle import ANOMALY_SCORE, Bundle, Example
from contract.inputs import KINDS

NUMPY = {"FP64": np.float64, "BYTES": np.object_, "BOOL": np.bool_}


def golden(bundle: Bundle) -> list[Example]:
    """Return the golden examples that miss nothing: tensors hold no null."""
    return [row for row in bundle.examples if None not in row.features.values()]


def golden_inputs(bundle: Bundle, *, binary: bool = False) -> list[InferInput]:
    """Return those examples, one input per column."""
    inputs = []
    for field in bundle.manifest.inputs:
        datatype = KINDS[field.kind].datatype
        values = [[row.features[field.name]] for row in golden(bundle)]
        column: Any = np.array(values, NUMPY[datatype])
        inputs.append(InferInput(field.name, list(column.shape), datatype))
        inputs[-1].set_data_from_numpy(column, binary_data=binary)
    return inputs


def assert_described(client: InferenceServerClient, bundle: Bundle) -> None:
    """Find server and model live, ready and described by their metadata."""
    manifest = bundle.manifest
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(manifest.name, manifest.version)
    assert client.get_server_metadata()["name"] == "model-images"
    metadata = client.get_model_metadata(manifest.name)
    names = [field.name for field in manifest.inputs]
    assert names == [column["name"] for column in metadata["inputs"]]
    assert [manifest.version] == metadata["versions"]
    assert metadata["outputs"][0]["name"] == "prediction"


def assert_golden_answers(client: InferenceServerClient, bundle: Bundle) -> None:
    """Get the recorded answers as arrays, and the id of the request back."""
    result = client.infer(bundle.manifest.name, golden_inputs(bundle), request_id="7")
    assert result.get_response()["id"] == "7"
    predictions = [
        label.decode() if isinstance(label, bytes) else label
        for label in result.as_numpy("prediction").tolist()
    ]
    if len(bundle.manifest.targets) > 1:
        predictions = [dict(zip(bundle.manifest.targets, row, strict=True)) for row in predictions]
    probabilities: list[list[float]] = [[] for _ in predictions]
    if bundle.has_probabilities:
        probabilities = result.as_numpy("probabilities").tolist()
    if bundle.manifest.anomaly is not None:
        probabilities = result.as_numpy(ANOMALY_SCORE).reshape(-1, 1).tolist()
    for row, *answer in zip(golden(bundle), predictions, probabilities, strict=True):
        assert row.is_answered_by(*answer), (answer, row)
