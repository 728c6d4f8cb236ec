"""The format of /predict: {"features": row} or {"instances": [row, …]}."""

from __future__ import annotations

from collections.abc import Sequence

from serve.codecs.answers import AnswerEncoder
from serve.http import Headers, require_json_type
from serve.inference.scores import Scores
from serve.validation.explain import ERRORS, body_problem
from serve.validation.schema import Row, Schema, in_order
from serve.validation.strict_json import parse


class NativeCodec:
    """Reads one row or many; answers with one prediction or a list."""

    def __init__(self, schema: Schema, answers: AnswerEncoder) -> None:
        self.schema = schema
        self.width = len(schema.manifest.inputs)
        self.answers = answers

    def check_headers(self, headers: Headers) -> None:
        """Check the headers; raise WrongContentType unless the body is said to be JSON."""
        require_json_type(headers)

    def read(self, body: bytes) -> tuple[Sequence[Row], bool]:
        """Return the rows, and whether the request was for many; raise Refusal for a wrong body."""
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
        """Return the rows of {"instances": […]}; raise Refusal for a wrong body."""
        try:
            rows = self.schema.decode_many(body).instances
        except ERRORS as error:
            raise body_problem(body, self.schema, error) from None
        named = len(rows) - list(map(type, rows)).count(tuple)
        if named:
            rows = [in_order(row) for row in rows]
        absent = bool(named) and any(None in row for row in rows)
        self.refuse_duplicates(body, 1 + named * self.width, absent=absent)
        return rows  # type: ignore[no-any-return]

    def refuse_duplicates(self, body: bytes, keys: int, *, absent: bool = False) -> None:
        """Check that no key occurs twice, which RFC 8259 leaves open and msgspec accepts.

        A body with as many colons as there are different keys has none. Otherwise, or where an
        absent key may hide a second one, the slower `parse` decides. Raises MalformedBody.
        """
        if absent or body.count(b":") != keys:
            parse(body)

    def write(self, scores: Scores, many: bool) -> bytes:  # noqa: FBT001 - the form of the request
        """Return one answer, or all in {"predictions": […]}."""
        return self.answers.many(scores) if many else self.answers.one(scores)
