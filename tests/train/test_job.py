"""Bundles keep every promise of the contract: those of the repository's models, and others."""

from __future__ import annotations

import json

import numpy as np
import onnx
import pandas as pd
import pytest

from contract.bundle import PARITY_TOLERANCE, Example, read_notes
from contract.evaluation.evaluation import read as read_evaluation
from contract.onnx_session import open_session
from tests.support.models.shop import record_of
from tests.train.conftest import Trained
from train.data.dataset import features, load
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
    evaluation = read_evaluation(trained.bundle)
    holdout = load(spec).X.iloc[evaluation.rows]
    answers = parity.answer(spec, graph, holdout)
    expected = evaluation.predictions
    if trained.bundle.manifest.classes is None:
        assert answers.predictions == pytest.approx(expected, rel=PARITY_TOLERANCE)
    else:
        assert answers.predictions.tolist() == expected
        assert answers.probabilities == pytest.approx(
            np.array(evaluation.probabilities), abs=PARITY_TOLERANCE
        )
    rows = pd.DataFrame([example.features for example in trained.bundle.examples])
    for name in spec.columns("categorical"):
        rows[name] = rows[name].fillna("").astype(object)
    answered = parity.answer(
        spec, graph, rows.astype(dict.fromkeys(spec.columns("numeric"), float))
    )
    vectors = None if answered.probabilities is None else answered.probabilities.tolist()
    for number, example in enumerate(trained.bundle.examples):
        vector = vectors[number] if vectors else None
        assert example.is_answered_by(answered.predictions.tolist()[number], vector)


def test_examples_stand_in_no_row_of_the_data(trained: Trained) -> None:
    """Golden examples are synthetic: none equals a row that the model was trained or judged on."""
    data = {json.dumps(row) for row in features(trained.spec.inputs, load(trained.spec).X)}
    assert not data & {json.dumps(example.features) for example in trained.bundle.examples}


def test_examples_cover_classes_and_gaps(trained: Trained) -> None:
    """There is an example of every class, and one of a missing value where there may be any."""
    examples: list[Example] = trained.bundle.examples
    assert 10 <= len(examples) <= 20
    for label in trained.bundle.manifest.classes or []:
        assert any(example.prediction == label for example in examples)
    with_gaps = [example for example in examples if None in example.features.values()]
    assert bool(with_gaps) == any(column.missing for column in trained.bundle.manifest.inputs)


def test_evaluation_lies_beside_the_bundle_and_holds_no_features(trained: Trained) -> None:
    """A later candidate is compared row by row, by who has the data; the bundle has no row."""
    manifest = trained.bundle.manifest
    held, kept = read_evaluation(trained.bundle), record_of(trained.bundle)
    count = manifest.data.holdout_rows
    assert set(manifest.files) == {trained.bundle.model_file.name, "examples.json", "notes.md"}
    assert set(manifest.beside) == {"holdout.json", "evaluation.json"}
    assert held.rows == sorted(set(held.rows))
    assert {len(held.rows), len(held.truth), len(held.predictions), len(held.features)} == {count}
    assert all(len(values) == count for values in held.others.values())
    assert sorted(kept.truth, key=str) == sorted(held.truth, key=str)
    assert len(kept.rows) == len(held.fingerprints) == 8 * count
    assert kept.study == held.study
    assert kept.study is not None
    assert len(kept.study.importance) == len(manifest.inputs)
    points = [point.rows for point in kept.study.learning]
    assert points == sorted(set(points))
    assert points[-1] < manifest.data.train_rows  # scored on the others
    assert set(kept.columns) <= {column.name for column in manifest.inputs}
    assert all(counts.rows == count for counts in kept.columns.values())


def test_bundle_holds_the_notes_of_its_author(trained: Trained) -> None:
    """The card is made from them, the manifest and the evaluation, wherever it is wanted."""
    assert read_notes(trained.bundle.path) == trained.spec.notes.read_text()
    assert not {"card.md", "report.html"} & set(trained.bundle.manifest.files)
