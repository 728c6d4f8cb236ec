"""CSV with a header: columns are found by name, others pass through, an empty cell is missing."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TextIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from model.bundle import Bundle, Input, Label
from serve.errors import InvalidRow, RowsRefused
from serve.explain import ERRORS, row_problem
from serve.frame import Frame, Framer
from serve.runtime import Scores
from serve.schema import known_categories, listed_type, number_range
from serve.tables.lines import batches, first_line


class CsvTable:
    """One row per line; a line end inside quotes is refused."""

    def __init__(self, source: TextIO, bundle: Bundle) -> None:
        self.source = source
        self.manifest = manifest = bundle.manifest
        first = first_line(source)
        self.names = next(csv.reader([first]), [])
        self.inputs = [(field, self.position(field)) for field in manifest.inputs]
        self.framer = Framer(manifest)
        self.plain = self.plain_decoder()
        self.header = ",".join([first, *answer_names(bundle)]) + "\n"
        self.columns: dict[Label, int] = {
            label: index for index, label in enumerate(manifest.classes or [])
        }
        self.cells: dict[Label, str] = {label: cell(label) for label in self.columns}

    def plain_decoder(self) -> Callable[[str], list[Any]] | None:
        """Return a decoder of rows, if the columns are the inputs and all of them numbers."""
        fields = self.manifest.inputs
        if self.names != [field.name for field in fields if field.kind == "numeric"]:
            return None
        return msgspec.json.Decoder(list[listed_type(self.manifest)]).decode  # type: ignore[misc]

    def position(self, field: Input) -> int | None:
        """Return where a column is; only one that may be missing may be absent."""
        found = self.names.count(field.name)
        if found > 1 or (not found and not field.missing):
            raise RowsRefused(
                f"The first line must name the column {field.name} once. Got "
                f"{', '.join(self.names) or 'nothing'} instead. The columns are "
                f"{', '.join(field.name for field in self.manifest.inputs)}"
            )
        return self.names.index(field.name) if found else None

    def batches(self) -> Iterator[list[str]]:
        return batches(self.source)

    def frame(self, lines: list[str]) -> Frame:
        """Return the columns as arrays; plain numbers are also JSON, which is read far faster."""
        if self.plain is not None:
            try:
                rows = self.plain(f"[[{'],['.join(lines)}]]")
            except ERRORS:
                return self.careful_frame(lines)
            if len(rows) == len(lines):
                return self.framer(rows)
        return self.careful_frame(lines)

    def careful_frame(self, lines: list[str]) -> Frame:
        try:
            rows = list(csv.reader(lines))
        except csv.Error as error:
            raise ValueError(error) from error
        columns = list(zip(*rows, strict=True))
        if len(rows) != len(lines) or len(columns) != len(self.names):
            raise ValueError
        return Frame(
            stack([self.numbers(columns, *found) for found in self.of_kind("numeric")], len(rows)),
            stack(
                [self.texts(columns, *found) for found in self.of_kind("categorical")], len(rows)
            ),
        )

    def of_kind(self, kind: str) -> list[tuple[Input, int | None]]:
        return [(field, position) for field, position in self.inputs if field.kind == kind]

    def numbers(
        self, columns: Sequence[Sequence[str]], field: Input, position: int | None
    ) -> NDArray[np.float64]:
        """Return a column of numbers; raise ValueError for a cell that is none."""
        if position is None:
            return np.full(len(columns[0]), np.nan)
        cells = columns[position]
        empty = cells.count("") if field.missing else 0
        numbers = np.array([float(cell) for cell in cells] if not empty else floats(cells))
        least, greatest = number_range(field, self.manifest.serving)
        good = np.count_nonzero((numbers >= least) & (numbers <= greatest))
        if good + empty != len(cells) or "_" in "".join(cells):  # float() reads 1_000
            raise ValueError
        return numbers

    def texts(
        self, columns: Sequence[Sequence[str]], field: Input, position: int | None
    ) -> NDArray[np.object_]:
        """Return a column of categories; raise ValueError for a cell that is none."""
        if position is None:
            return np.full(len(columns[0]), "", object)
        cells = columns[position]
        known = known_categories(field, self.manifest.serving)
        found = set(cells) - ({""} if field.missing else set())
        if "" in found or (known is not None and not found <= known):
            raise ValueError
        return np.array(cells, object)

    def check(self, line: str) -> None:
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
        problem = row_problem(row, self.manifest, "")
        if problem:
            raise problem

    def answers(self, lines: list[str], scores: Scores) -> Iterator[str]:
        if scores.probabilities is None:
            labels = map(self.cells.__getitem__, scores.labels) if self.cells else scores.labels
            return (f"{line},{label}\n" for line, label in zip(lines, labels, strict=True))
        positions = map(self.columns.__getitem__, scores.labels)
        likeliest = map(list.__getitem__, scores.probabilities, positions)
        labels = map(self.cells.__getitem__, scores.labels)
        cells = zip(lines, labels, likeliest, number_cells(scores.probabilities), strict=True)
        return (f"{line},{label},{most},{all_}\n" for line, label, most, all_ in cells)


def number_cells(rows: list[list[float]]) -> list[str]:
    """Return the numbers of each row, with commas between: JSON is the fastest writer of them."""
    return msgspec.json.encode(rows).decode()[2:-2].split("],[") if rows else []


def answer_names(bundle: Bundle) -> list[str]:
    """Return the names of the columns that are added."""
    if not bundle.has_probabilities:
        return ["prediction"]
    classes = bundle.manifest.classes or []
    return ["prediction", "probability", *(cell(f"probability_{label}") for label in classes)]


def cell(value: object) -> str:
    """Return a value as a cell, in quotes where it needs them."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([value])
    return text.getvalue()


def value(text: str, field: Input) -> str | float | None:
    """Return what a cell says: nothing, a number, or itself."""
    if not text:
        return None
    if field.kind == "categorical" or "_" in text:
        return text
    try:
        return float(text)
    except ValueError:
        return text


def floats(cells: Sequence[str]) -> list[float]:
    return [float(cell) if cell else math.nan for cell in cells]


def stack(columns: list[Any], rows: int) -> Any:
    return np.column_stack(columns) if columns else np.empty((rows, 0), object)
