"""Bundles keep every promise of the contract: those of the repository's models, and others."""

from __future__ import annotations

import base64
import json

import numpy as np
import onnx
import pytest

from contract.bundle import PARITY_TOLERANCE, Example, read_notes
from contract.onnx_session import open_session
from tests.train.conftest import Trained
from train.data.dataset import load
from train.export import parity

pytestmark = pytest.mark.slow  # trains models


def test_bundle_passes_its_gate(trained: Trained) -> None:
    """Each model in this repository passes its gate."""
    assert trained.bundle.manifest.gate.passed
    assert [check.passed for check in trained.bundle.manifest.gate.checks] == [
        True for _ in trained.spec.gate.rules.bounds
    ]


def test_bundle_is_served_by_onnx_proven_equal(trained: Trained) -> None:
    """The graph gave the estimator's answers on the training rows and 20,000 more."""
    parity = trained.bundle.manifest.parity
    assert trained.bundle.manifest.runtime == "onnx"
    assert parity is not None
    assert parity.rows >= 20_000 + trained.bundle.manifest.data.train_rows
    assert parity.label_mismatches == 0
    assert 0 <= parity.max_difference <= PARITY_TOLERANCE


def test_graph_has_the_promised_inputs_and_outputs(trained: Trained) -> None:
    """At most two inputs, and answers under their own names, for any number of rows."""
    manifest = trained.bundle.manifest
    session = open_session(trained.bundle.model_file.read_bytes())
    kinds = [column.kind for column in manifest.inputs]
    expected = {
        kind: (f"tensor({element})", [None, kinds.count(kind)])
        for kind, element in (("numeric", "double"), ("categorical", "string"))
        if kind in kinds
    }
    inputs = {column.name: (column.type, column.shape) for column in session.get_inputs()}
    assert inputs == expected
    outputs = ["prediction"] if manifest.classes is None else ["label", "probabilities"]
    assert [output.name for output in session.get_outputs()] == outputs


def test_graph_says_nothing_of_where_it_was_made(trained: Trained) -> None:
    """Names and opsets are fixed, so equal models are equal bytes."""
    graph = onnx.load(trained.bundle.model_file)
    domains = [opset.domain for opset in graph.opset_import]
    assert domains == sorted(set(domains))
    assert (graph.graph.name, graph.producer_name) == ("model", "model-images")
    assert not graph.producer_version
    assert not graph.metadata_props


def test_examples_are_answered_by_the_graph(trained: Trained) -> None:
    """Each golden example holds the answer that the served model gives."""
    spec = trained.spec
    graph = trained.bundle.model_file.read_bytes()
    evaluation = json.loads((trained.bundle.path / "evaluation.json").read_text())
    holdout = load(spec).X.iloc[evaluation["rows"]]
    answers = parity.answer(spec, graph, holdout)
    expected = evaluation["predictions"]
    if trained.bundle.manifest.classes is None:
        assert answers.predictions == pytest.approx(expected, rel=PARITY_TOLERANCE)
    else:
        assert answers.predictions.tolist() == expected
        assert answers.probabilities == pytest.approx(
            np.array(evaluation["probabilities"]), abs=PARITY_TOLERANCE
        )
    by_features = {json.dumps(row): at for at, row in enumerate(evaluation["features"])}
    for example in trained.bundle.examples:
        assert expected[by_features[json.dumps(example.features)]] == example.prediction


def test_examples_cover_classes_and_gaps(trained: Trained) -> None:
    """There is an example of every class, and one of a missing value where there may be any."""
    examples: list[Example] = trained.bundle.examples
    assert 10 <= len(examples) <= 20
    for label in trained.bundle.manifest.classes or []:
        assert any(example.prediction == label for example in examples)
    with_gaps = [example for example in examples if None in example.features.values()]
    assert bool(with_gaps) == any(column.missing for column in trained.bundle.manifest.inputs)


def test_evaluation_holds_every_holdout_row(trained: Trained) -> None:
    """A later candidate can be compared row by row."""
    evaluation = json.loads((trained.bundle.path / "evaluation.json").read_text())
    study = evaluation.pop("study")
    assert len(study["importance"]) == len(trained.bundle.manifest.inputs)
    assert [point["rows"] for point in study["learning"]] == sorted(
        {point["rows"] for point in study["learning"]}
    )
    assert study["learning"][-1]["rows"] <= trained.bundle.manifest.data.train_rows * 0.75
    assert (
        len(base64.b64decode(evaluation.pop("trained")))
        == 4 * trained.bundle.manifest.data.train_rows
    )
    count = trained.bundle.manifest.data.holdout_rows
    segments = evaluation.pop("others", {})  # columns that are no inputs, for segments
    assert all(len(values) == count for values in segments.values())
    assert {name: len(values or []) for name, values in evaluation.items()} == {
        "rows": count,
        "features": count,
        "truth": count,
        "predictions": count,
        "probabilities": 0 if trained.bundle.manifest.classes is None else count,
    }
    assert evaluation["rows"] == sorted(set(evaluation["rows"]))


def test_bundle_holds_the_notes_of_its_author(trained: Trained) -> None:
    """The card is made from them, the manifest and the evaluation, wherever it is wanted."""
    assert read_notes(trained.bundle.path) == trained.spec.notes.read_text()
    assert not {"card.md", "report.html"} & set(trained.bundle.manifest.files)
