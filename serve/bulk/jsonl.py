"""JSON Lines (jsonlines.org): every line is a row, as a list or as an object."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from contract.bundle import Bundle
from serve.bulk.lines import Lines
from serve.codecs.answers import AnswerEncoder
from serve.inference.arrays import Frame, Framer
from serve.inference.scores import Scores
from serve.validation.explain import ERRORS, Explainer, unknown_problem
from serve.validation.schema import Row, Schema, in_order
from serve.validation.strict_json import parse


class JsonlFormat(Lines):
    """Rows in the forms that /predict takes, one per line."""

    def __init__(self, source: BinaryIO, target: BinaryIO, bundle: Bundle) -> None:
        super().__init__(source, target)
        schema = Schema(bundle.manifest, max_rows=1)
        self.decode = schema.decoder(schema.row)
        self.explainer = Explainer(bundle.manifest)
        self.framer = Framer(bundle.manifest)
        self.answer = AnswerEncoder(bundle)

    def frame(self, lines: list[str]) -> Frame:
        """Return the lines as arrays; raise Refusal if any row is wrong."""
        return self.framer([self.row(line) for line in lines])

    def row(self, line: str) -> Row:
        """Return the values of a line in the order of the inputs.

        Raises Refusal for what is wrong.
        """
        body = line.encode()
        try:
            row = self.decode(body)
        except ERRORS as error:
            raise self.explainer.alone(parse(body)) or unknown_problem(error) from None
        if type(row) is not tuple:
            parse(body)  # finds a key that occurs twice
        return in_order(row)

    def check(self, line: str) -> None:
        """Check one row; raise the Refusal that says what is wrong with it."""
        self.row(line)

    def answers(self, lines: list[str], scores: Scores) -> Iterator[str]:
        """Yield each row as {"features": row, …}, with the fields of its answer."""
        for line, answer in zip(lines, self.answer.rows(scores), strict=True):
            yield f'{{"features":{line},{self.answer.encode(answer).decode()[1:]}\n'
