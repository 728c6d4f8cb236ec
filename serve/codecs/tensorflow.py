"""The format of TensorFlow Serving, KServe v1 and Vertex AI: {"instances": [row, …]}."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from serve.codecs.answers import AnswerEncoder
from serve.errors import Refusal
from serve.http import Headers, require_json_type
from serve.inference.scores import Scores
from serve.validation.explain import ERRORS, rows_problem, shape_problem, unknown_problem
from serve.validation.schema import Row, Schema, in_order
from serve.validation.strict_json import parse


class TensorflowCodec:
    """Reads many rows; accepts `signature_name` and `parameters`, which change nothing."""

    def __init__(self, schema: Schema, answers: AnswerEncoder) -> None:
        self.schema = schema
        self.answers = answers
        self.request: Any = msgspec.defstruct(
            "V1Request",
            [
                ("instances", schema.rows),
                ("signature_name", str, "serving_default"),
                ("parameters", dict[str, Any] | None, None),
            ],
            forbid_unknown_fields=True,
        )
        self.decode = schema.decoder(self.request, "instances")

    def check_headers(self, headers: Headers) -> None:
        """Check the headers; raise WrongContentType unless the body is said to be JSON."""
        require_json_type(headers)

    def read(self, body: bytes) -> tuple[Sequence[Row], None]:
        """Return the rows; raise Refusal for a wrong body."""
        try:
            rows = self.decode(body).instances
        except ERRORS as error:
            raise self.problem(body, error) from None
        parse(body)  # finds a key that occurs twice
        return [in_order(row) for row in rows], None

    def problem(self, body: bytes, error: Exception) -> Refusal:
        """Return the refusal of a body that could not be decoded."""
        decoded = parse(body)
        if not isinstance(decoded, dict) or "instances" not in decoded:
            return shape_problem(decoded, '"instances" (a list of rows)')
        return rows_problem(decoded["instances"], self.schema) or unknown_problem(error)

    def write(self, scores: Scores, _: None) -> bytes:
        """Return all answers in {"predictions": […]}."""
        return self.answers.many(scores)
