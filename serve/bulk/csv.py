"""CSV: columns go by their names, others pass through; cells mean what they do in training."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract.bundle import Bundle, Input, Outcome, Value
from contract.bundle.dialect import name_columns
from contract.inputs import Number, domains
from serve.bulk.columns import of_cells, of_values, require_numbers
from serve.bulk.lines import Lines
from serve.bulk.row_format import answer_names, position
from serve.errors import InvalidRow
from serve.inference.arrays import Frame, Framer
from serve.inference.scores import Scores
from serve.validation.explain import ERRORS, Explainer
from serve.validation.schema import listed_type


class CsvFormat(Lines):
    """Rows of CSV, read as the table that the model was trained on: see contract.bundle.dialect."""

    def __init__(self, source: BinaryIO, target: BinaryIO, bundle: Bundle) -> None:
        super().__init__(source, target)
        self.manifest = manifest = bundle.manifest
        self.begun = self.read()
        self.dialect = dialect = manifest.data.csv.for_header(self.begun)
        self.missing = frozenset(dialect.missing)
        self.table = super().batches()
        first, *self.first_rows = next(filter(None, self.table), [""])
        self.names = name_columns(next(dialect.rows([first]), []))
        self.inputs = [
            (field, position(field.name, self.names, required=not field.missing))
            for field in manifest.inputs
        ]
        self.domains = domains(manifest.inputs, manifest.serving)
        self.framer = Framer(manifest)
        self.explainer = Explainer(manifest)
        self.plain = self.plain_decoder()
        decimal = dialect.decimal if dialect.takes_decimal_commas else "."
        self.marks = str.maketrans({",": dialect.delimiter, ".": decimal})
        added = (self.cell(name) for name in answer_names(bundle, self.names))
        self.header = dialect.delimiter.join([first, *added]) + "\n"
        self.columns: dict[Outcome, int] = {
            label: index for index, label in enumerate(manifest.classes or [])
        }
        self.cells: dict[Outcome, str] = {label: self.cell(label) for label in self.columns}

    def batches(self) -> Iterator[list[str]]:
        """Yield the rows as they are written, which may be several lines; see `Lines`."""
        yield self.first_rows
        yield from self.table

    def split(self, text: str) -> tuple[list[str], str]:
        """Return the rows that end in a text, and what has not ended yet."""
        return self.dialect.split(text)

    def plain_decoder(self) -> Callable[[str], list[Any]] | None:
        """Return a JSON decoder of rows, if the columns are exactly the inputs, and all numbers.

        None where JSON reads a cell as a value and the table does not.
        """
        fields, dialect = self.manifest.inputs, self.dialect
        if self.names != [field.name for field in fields if field.kind == "numeric"]:
            return None
        is_json = dialect.delimiter == "," and "null" in self.missing
        if not is_json or any(dialect.number(word) is not None for word in self.missing):
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
        rows = list(self.dialect.rows(lines))
        columns = list(zip(*rows, strict=True))
        if len(rows) != len(lines) or len(columns) != len(self.names):
            raise ValueError
        values = [self.column(columns, *input_) for input_ in self.inputs]
        return self.framer.side_by_side(values, len(rows))

    def column(
        self, columns: Sequence[Sequence[str]], field: Input, position: int | None
    ) -> NDArray[Any]:
        """Return the column (rows,) of an input; raise ValueError for a cell that does not fit."""
        domain = self.domains[field.name]
        if position is None:
            return of_values([None] * len(columns[0]), domain)
        cells = columns[position]
        if isinstance(domain, Number):
            return self.numbers(cells, domain)
        return of_cells(["" if cell in self.missing else cell for cell in cells], domain)

    def numbers(self, cells: Sequence[str], domain: Number) -> NDArray[np.float64]:
        """Return cells as a column of numbers (rows,), NaN where missing.

        Raises ValueError for a cell that is none, and for a number that the model does not take.
        """
        gaps = sum(cell in self.missing for cell in cells)
        if gaps or self.dialect.takes_decimal_commas:
            values = [math.nan if cell in self.missing else self.number(cell) for cell in cells]
        elif "_" in "".join(cells):  # float() reads 1_000
            raise ValueError
        else:
            values = [float(cell) for cell in cells]
        numbers = np.array(values)
        require_numbers(numbers, gaps, domain)
        return numbers

    def number(self, cell: str) -> float:
        """Return the number in a cell; raise ValueError if it holds none."""
        value = self.dialect.number(cell)
        if value is None:
            raise ValueError
        return value

    def check(self, line: str) -> None:
        """Check one row; raise the InvalidRow that says what is wrong with it."""
        try:
            (cells,) = self.dialect.rows([line])
        except ValueError as error:
            raise InvalidRow(f"The row must be CSV. Got instead: {error}.") from error
        if len(cells) != len(self.names):
            raise InvalidRow(
                f"The row must have {len(self.names)} cells. Got {len(cells)} instead."
            )
        row = {
            field.name: None if position is None else self.value(cells[position], field)
            for field, position in self.inputs
        }
        problem = self.explainer.alone(row)
        if problem:
            raise problem

    def value(self, cell: str, field: Input) -> Value:
        """Return what a cell holds: its text where it is nothing that the model takes."""
        domain = self.domains[field.name]
        if not isinstance(domain, Number):
            return domain.cell("" if cell in self.missing else cell)
        if cell in self.missing:
            return None
        if "_" in cell:
            return cell
        number = self.dialect.number(cell)
        try:
            return float(cell) if number is None else number  # NaN and infinity have a name
        except ValueError:
            return cell

    def answers(self, lines: list[str], scores: Scores) -> Iterator[str]:
        """Yield each line with its prediction and, where there are any, its numbers."""
        mark = self.dialect.delimiter
        if len(self.manifest.targets) > 1:
            columns = [lines, self.number_cells(list(map(list, scores.by_target)))]
            if scores.probabilities is not None:
                columns.append(self.number_cells(scores.probabilities))
            return (mark.join(row) + "\n" for row in zip(*columns, strict=True))
        if self.cells:
            labels = [self.cells[label] for label in scores.labels]
        else:
            labels = self.number_cells([[float(cast("float", label))] for label in scores.labels])
        if scores.probabilities is None:
            return (f"{line}{mark}{label}\n" for line, label in zip(lines, labels, strict=True))
        numbers = self.number_cells(scores.probabilities)
        if self.manifest.anomaly is not None:
            return (mark.join(row) + "\n" for row in zip(lines, labels, numbers, strict=True))
        positions = map(self.columns.__getitem__, scores.labels)
        likeliest = map(list.__getitem__, scores.probabilities, positions)
        most = self.number_cells([[number] for number in likeliest])
        cells = zip(lines, labels, most, numbers, strict=True)
        return (mark.join(row) + "\n" for row in cells)

    def number_cells(self, rows: list[list[float]]) -> list[str]:
        """Return each row's numbers, or true and false, as text; msgspec writes them fastest."""
        if not rows:
            return []
        written = msgspec.json.encode(rows).decode()[2:-2].replace("],[", "\n")
        return written.translate(self.marks).split("\n")

    def cell(self, value: object) -> str:
        """Return a value as a cell, in quotes where it needs them."""
        text = io.StringIO()
        # With another end of lines it may leave breaks unquoted.
        csv.writer(text, delimiter=self.dialect.delimiter).writerow([value])
        return text.getvalue().removesuffix("\r\n")
