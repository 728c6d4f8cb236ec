"""The form of /predict: {"features": row} or {"instances": [row, …]}."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from model.bundle import Bundle, Label, Manifest
from serve.explain import ERRORS, body_problem, parse
from serve.runtime import Scores
from serve.schema import Row, Schema, in_order


class Classification(msgspec.Struct):
    """The answer for one row: the class, its probability, and those of all classes."""

    prediction: Label
    probability: float
    probabilities: dict[str, float]


class Value(msgspec.Struct):
    """The answer for one row of a model without probabilities."""

    prediction: Label


def answer_type(bundle: Bundle) -> type[msgspec.Struct]:
    """Return the type of the answer for one row."""
    return Classification if bundle.has_probabilities else Value


def many_type(answer: Any) -> type[msgspec.Struct]:
    """Return the type of the answer for many rows."""
    return msgspec.defstruct("Predictions", [("predictions", list[answer])])


class NativeWire:
    """Reads one row or many; answers in kind."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.width = len(schema.manifest.inputs)
        self.answers = Answers(schema.manifest)

    def read(self, body: bytes) -> tuple[Sequence[Row], bool]:
        """Return the rows, and whether they are many."""
        try:
            row = self.schema.decode_one(body).features
        except ERRORS:
            return self.read_many(body), True
        if type(row) is not tuple:
            row = in_order(row)
            self.refuse_duplicates(body, 1 + self.width, absent=None in row)
        else:
            self.refuse_duplicates(body, 1)
        return (row,), False

    def read_many(self, body: bytes) -> list[Row]:
        try:
            rows = self.schema.decode_many(body).instances
        except ERRORS as error:
            raise body_problem(body, self.schema, error) from None
        named = sum(type(row) is not tuple for row in rows)
        if named:
            rows = [in_order(row) for row in rows]
        absent = bool(named) and any(None in row for row in rows)
        self.refuse_duplicates(body, 1 + named * self.width, absent=absent)
        return rows  # type: ignore[no-any-return]

    def refuse_duplicates(self, body: bytes, keys: int, *, absent: bool = False) -> None:
        """Raise MalformedBody for a key that occurs twice, which msgspec lets pass.

        A body with as many colons as there are different keys has no key twice. Otherwise, or
        where an absent key may make room for a second one, the slow parser looks.
        """
        if absent or body.count(b":") != keys:
            parse(body)

    def write(self, scores: Scores, many: bool) -> bytes:  # noqa: FBT001 - the form of the request
        """Return one answer, or all in {"predictions": […]}."""
        return self.answers.many(scores) if many else self.answers.one(scores)


class Answers:
    """Writes scores as JSON."""

    def __init__(self, manifest: Manifest) -> None:
        self.names = [str(label) for label in manifest.classes or []]
        self.encode = msgspec.json.Encoder().encode

    def one(self, scores: Scores) -> bytes:
        return self.encode(next(self.rows(scores)))

    def many(self, scores: Scores) -> bytes:
        return self.encode({"predictions": list(self.rows(scores))})

    def rows(self, scores: Scores) -> Iterator[Classification | Value]:
        if scores.probabilities is None:
            yield from map(Value, scores.labels)
            return
        for label, values in zip(scores.labels, scores.probabilities, strict=True):
            probabilities = dict(zip(self.names, values, strict=True))
            yield Classification(label, probabilities[str(label)], probabilities)
