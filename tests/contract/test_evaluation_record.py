"""What is kept of an evaluation compares models, and shows no row to who has not the data."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from contract.bundle import BundleError, File, Input
from contract.evaluation.distribution import Distribution, distribution
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.fingerprints import is_guessable, places
from contract.evaluation.record import Record, decode, record
from tests.support.images.passed_images import manifest

EXACT = [4.123456789 + row * 0.0173205081 for row in range(200)]
COLOURS = [["red", "blue", None, "a secret"][row % 4] for row in range(200)]


def evaluation(key: bytes = b"key") -> Evaluation:
    """Return an evaluation of exact numbers and of colours, one of which is not public."""
    rows = list(range(200))
    return Evaluation(
        rows=rows,
        columns={"size": list(EXACT), "colour": list(COLOURS)},
        truth=["ab"[row % 2] for row in rows],
        predictions=["ab"[row % 3 % 2] for row in rows],
        probabilities=None,
        weights=[float(row) for row in rows],
        fingerprints=places(key, rows),
    )


def kept(key: bytes = b"key") -> Record:
    """Return what is kept of it."""
    described = manifest("iris")
    described.inputs = [
        Input(name="size", kind="numeric", minimum=4.0, maximum=8.0),
        Input(name="colour", kind="categorical", categories=["blue", "red"]),
    ]
    return record(evaluation(key), described)


def test_record_has_no_value_of_a_row() -> None:
    """Neither an exact number nor a text that is not public is in what is published."""
    text = msgspec.json.encode(kept()).decode()
    assert "secret" not in text
    assert not [value for value in EXACT if json.dumps(value)[:8] in text]


def test_record_counts_every_row() -> None:
    """The numbers are in many bins, and what is not public is counted together."""
    columns = kept().columns
    assert columns["colour"] == Distribution(
        categories=["blue", "red"], counts=[50, 50, 50], missing=50
    )
    assert len(columns["size"].counts) > 20
    assert columns["size"].rows == 200


def test_record_is_in_an_order_that_only_the_key_of_the_data_gives() -> None:
    """Who has other data cannot find a row, nor its place; who has the data finds its answer."""
    ours, theirs = kept(b"ours"), kept(b"theirs")
    assert not set(np.frombuffer(ours.rows, "<u8")) & set(np.frombuffer(theirs.rows, "<u8"))
    assert ours.truth != theirs.truth
    assert sorted(ours.truth) == sorted(theirs.truth)
    place = ours.rows.index(places(b"ours", [7])) // 8
    assert (ours.truth[place], ours.predictions[place]) == ("b", "b")
    assert ours.evaluation.weights
    assert ours.evaluation.weights[place] == 7


@pytest.mark.parametrize(
    ("digits", "values", "guessable"), [(1, 4, True), (9, 4, False), (0, 2, True)]
)
def test_rows_of_few_possible_values_can_be_guessed(
    digits: int, values: int, *, guessable: bool
) -> None:
    """Four measurements with one decimal can all be tried; with nine decimals they cannot."""
    inputs = [
        Input(name=str(place), kind="numeric", minimum=0.0, maximum=8.0) for place in range(values)
    ]
    assert is_guessable(inputs, [digits] * values, ["a", "b"]) == guessable


def test_text_that_is_not_public_has_no_distribution() -> None:
    """Of a column without public categories that is no number, nothing is counted."""
    assert distribution(["a", "b"], None) is None
    assert distribution([None, None], None) is None


@pytest.mark.parametrize("values", [[5.0, 5.0], [0.0], [1e300, -1e300], [1e-12, 2e-12, None]])
def test_any_numbers_have_a_distribution(values: list[float | None]) -> None:
    """Constant, huge and tiny numbers are counted, and again in the same bins."""
    counted = distribution(values, None)
    assert counted is not None
    assert counted.rows == len(values)
    assert counted.count(values) == counted


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 50_000, "of this revision"),
        (b"{}", "of this revision"),
        (msgspec.json.encode(msgspec.structs.replace(kept(), truth=["a"])), "of each row"),
        (msgspec.json.encode(msgspec.structs.replace(kept(), rows=b"1")), "of each row"),
        (msgspec.json.encode(msgspec.structs.replace(kept(), weights=[1.0])), "of each row"),
        (msgspec.json.encode(msgspec.structs.replace(kept(), weights=[-1.0] * 200)), "from 0"),
    ],
)
def test_record_of_another_form_is_refused(content: bytes, words: str) -> None:
    """What a registry gives is read by its type, and must say as much of each row."""
    with pytest.raises(BundleError, match=words):
        decode(content, File(sha256="0" * 64, bytes=len(content)), "somewhere")
    with pytest.raises(BundleError, match="must have 1 bytes"):
        decode(content, File(sha256="0" * 64, bytes=1), "somewhere")
