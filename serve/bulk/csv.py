"""CSV (RFC 4180): columns go by their names, others pass through, an empty cell is missing."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract.bundle import Bundle, Input, Label
from contract.inputs import Domain
from serve.bulk.columns import require_numbers, require_texts, stack
from serve.bulk.lines import Lines
from serve.bulk.row_format import answer_names, position
from serve.errors import InvalidRow
from serve.inference.arrays import Frame, Framer
from serve.inference.scores import Scores
from serve.validation.explain import ERRORS, Explainer
from serve.validation.schema import listed_type


class CsvFormat(Lines):
    """Rows of CSV, one per line; a line break inside quotes is refused."""

    def __init__(self, source: BinaryIO, target: BinaryIO, bundle: Bundle) -> None:
        super().__init__(source, target)
        self.manifest = manifest = bundle.manifest
        first = self.first_line()
        self.names = next(csv.reader([first]), [])
        self.inputs = [
            (field, position(field.name, self.names, required=not field.missing))
            for field in manifest.inputs
        ]
        self.framer = Framer(manifest)
        self.explainer = Explainer(manifest)
        self.plain = self.plain_decoder()
        added = map(cell, answer_names(bundle, self.names))
        self.header = ",".join([first, *added]) + "\n"
        self.columns: dict[Label, int] = {
            label: index for index, label in enumerate(manifest.classes or [])
        }
        self.cells: dict[Label, str] = {label: cell(label) for label in self.columns}

    def plain_decoder(self) -> Callable[[str], list[Any]] | None:
        """Return a JSON decoder of rows, if the columns are exactly the inputs, and all numbers."""
        fields = self.manifest.inputs
        if self.names != [field.name for field in fields if field.kind == "numeric"]:
            return None
        return msgspec.json.Decoder(list[listed_type(self.manifest)]).decode  # type: ignore[misc]

    def frame(self, lines: list[str]) -> Frame:
        """Return the lines as arrays.

        Lines of plain numbers are also JSON between brackets, which is read far faster than CSV.
        Raises ValueError if any row is wrong.
        """
        if self.plain is not None:
            try:
                rows = self.plain(f"[[{'],['.join(lines)}]]")
            except ERRORS:
                return self.careful_frame(lines)
            if len(rows) == len(lines):
                return self.framer(rows)
        return self.careful_frame(lines)

    def careful_frame(self, lines: list[str]) -> Frame:
        """Return the lines as arrays, read as CSV; raise ValueError if any row is wrong."""
        try:
            rows = list(csv.reader(lines))
        except csv.Error as error:
            raise ValueError(error) from error
        columns = list(zip(*rows, strict=True))
        if len(rows) != len(lines) or len(columns) != len(self.names):
            raise ValueError
        return Frame(
            stack(
                [self.numbers(columns, *input_) for input_ in self.of_kind("numeric")], len(rows)
            ),
            stack(
                [self.texts(columns, *input_) for input_ in self.of_kind("categorical")], len(rows)
            ),
        )

    def of_kind(self, kind: str) -> list[tuple[Input, int | None]]:
        """Return the inputs of a kind, each with the position of its column."""
        return [(field, position) for field, position in self.inputs if field.kind == kind]

    def numbers(
        self, columns: Sequence[Sequence[str]], field: Input, position: int | None
    ) -> NDArray[np.float64]:
        """Return a column of numbers (rows,), NaN where missing.

        Raises ValueError for a cell that is none.
        """
        if position is None:
            return np.full(len(columns[0]), np.nan)
        cells = columns[position]
        empty = cells.count("") if field.missing else 0
        numbers = np.array([float(cell) for cell in cells] if not empty else floats(cells))
        require_numbers(numbers, empty, Domain.of(field, self.manifest.serving))
        if "_" in "".join(cells):  # float() reads 1_000
            raise ValueError
        return numbers

    def texts(
        self, columns: Sequence[Sequence[str]], field: Input, position: int | None
    ) -> NDArray[np.object_]:
        """Return a column of categories (rows,), "" where missing.

        Raises ValueError for an unknown one.
        """
        if position is None:
            return np.full(len(columns[0]), "", object)
        cells = columns[position]
        texts = set(cells) - ({""} if field.missing else set())
        require_texts(texts, Domain.of(field, self.manifest.serving))
        return np.array(cells, object)

    def check(self, line: str) -> None:
        """Check one row; raise the InvalidRow that says what is wrong with it."""
        try:
            cells = next(csv.reader([line], strict=True))
        except csv.Error as error:
            raise InvalidRow(f"The row must be CSV. Got instead: {error}.") from error
        if len(cells) != len(self.names):
            raise InvalidRow(
                f"The row must have {len(self.names)} cells. Got {len(cells)} instead."
            )
        row = {
            field.name: None if position is None else value(cells[position], field)
            for field, position in self.inputs
        }
        problem = self.explainer.alone(row)
        if problem:
            raise problem

    def answers(self, lines: list[str], scores: Scores) -> Iterator[str]:
        """Yield each line with its prediction and, where there are any, probabilities."""
        if scores.probabilities is None:
            labels = map(self.cells.__getitem__, scores.labels) if self.cells else scores.labels
            return (f"{line},{label}\n" for line, label in zip(lines, labels, strict=True))
        positions = map(self.columns.__getitem__, scores.labels)
        likeliest = map(list.__getitem__, scores.probabilities, positions)
        labels = map(self.cells.__getitem__, scores.labels)
        cells = zip(lines, labels, likeliest, number_cells(scores.probabilities), strict=True)
        return (f"{line},{label},{most},{all_}\n" for line, label, most, all_ in cells)


def number_cells(rows: list[list[float]]) -> list[str]:
    """Return each row's numbers as text, with commas between; msgspec writes them fastest."""
    return msgspec.json.encode(rows).decode()[2:-2].split("],[") if rows else []


def cell(value: object) -> str:
    """Return a value as a cell, in quotes where it needs them."""
    text = io.StringIO()
    csv.writer(text).writerow([value])  # with another end of lines it may leave breaks unquoted
    return text.getvalue().removesuffix("\r\n")


def value(text: str, field: Input) -> str | float | None:
    """Return what a cell holds: None, a number, or its text where it is no number."""
    if not text:
        return None
    if field.kind == "categorical" or "_" in text:
        return text
    try:
        return float(text)
    except ValueError:
        return text


def floats(cells: Sequence[str]) -> list[float]:
    """Return the cells as numbers, NaN for an empty one.

    Raises ValueError for one that is no number.
    """
    return [float(cell) if cell else math.nan for cell in cells]
