"""Parquet (Apache Parquet format): columns go by name, others pass through, a null is missing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Bundle, Input, Kind, Manifest, Outcome, Value
from contract.inputs import Domain, Number, domains
from serve.bulk.columns import of_values, require_numbers
from serve.bulk.row_format import answer_names, position
from serve.errors import RowsRefused, WrongLibrary
from serve.inference.arrays import Frame, Framer
from serve.inference.scores import Scores
from serve.validation.explain import Explainer
from serve.validation.strict_json import shown

try:
    import pyarrow as pa
    from pyarrow import parquet
except ImportError as error:
    raise WrongLibrary(
        f"pyarrow must be installed to read Parquet. Got instead: {error}. Install pyarrow, or "
        "pass the rows as CSV or JSON Lines"
    ) from error

ROWS = 16 * 1024  # read at once; each batch becomes a row group
BUFFER = 64 * 1024  # bytes: a column is read in pieces, and never a whole row group


class ParquetFormat:
    """Rows of a Parquet file, written as a Parquet file with the answers as further columns."""

    def __init__(self, source: BinaryIO, target: BinaryIO, bundle: Bundle) -> None:
        self.target = target
        self.manifest = manifest = bundle.manifest
        self.explainer = Explainer(manifest)
        self.domains = domains(manifest.inputs, manifest.serving)
        self.framer = Framer(manifest)
        with refusing_what_is_none():
            self.file = parquet.ParquetFile(seekable(source), buffer_size=BUFFER, pre_buffer=False)
        self.names = self.file.schema_arrow.names
        self.inputs = [(field, self.position(field)) for field in manifest.inputs]
        self.schema = self.file.schema_arrow
        names, width = answer_names(bundle, self.names), len(manifest.targets)
        for place, name in enumerate(names):
            kind = label_type(manifest) if place < width else pa.float64()
            self.schema = self.schema.append(pa.field(name, kind))
        self.classes: dict[Outcome, int] = {
            label: index for index, label in enumerate(manifest.classes or [])
        }
        self.read = 0

    def position(self, field: Input) -> int | None:
        """Return where an input's column is, None where it may be absent and is.

        Raises RowsRefused if it must be there, is there twice, or has a type of another kind.
        """
        column = position(field.name, self.names, required=not field.missing)
        if column is not None:
            kind = self.file.schema_arrow.types[column]
            wanted = TYPES[field.kind]
            if not wanted.holds(kind):
                raise RowsRefused(
                    f"The column {shown(field.name)} must hold {wanted.words}. Got {kind} instead. "
                    "Convert it"
                )
        return column

    def start(self) -> None:
        """Open the file that is written; its columns are those that were read and the answers'."""
        self.writer = parquet.ParquetWriter(self.target, self.schema)

    def batches(self) -> Iterator[Any]:
        """Yield record batches; raise RowsRefused where the file is broken."""
        batches = self.file.iter_batches(ROWS, use_threads=False)
        while True:
            with refusing_what_is_none():
                batch = next(batches, None)
            if batch is None:
                return
            self.read += len(batch)
            yield batch

    def frame(self, batch: Any) -> Frame:
        """Return a record batch as arrays; raise ValueError if any row is wrong."""
        columns = [self.column(batch, *input_) for input_ in self.inputs]
        return self.framer.side_by_side(columns, len(batch))

    def column(self, batch: Any, field: Input, position: int | None) -> NDArray[Any]:
        """Return the column (rows,) of an input; raise ValueError for a value that does not fit."""
        domain = self.domains[field.name]
        if position is None:
            return of_values([None] * len(batch), domain)
        if isinstance(domain, Number):
            return numbers(batch.column(position), domain)
        encoded = plain(batch.column(position))
        if not pa.types.is_dictionary(encoded.type):
            encoded = encoded.dictionary_encode(null_encoding="encode")
        values = [meaning(value, domain) for value in encoded.dictionary.to_pylist()]
        indices = encoded.indices
        if indices.null_count:  # the file's own dictionary leaves nulls out
            indices = indices.fill_null(len(values))
            values.append(None)
        column: NDArray[Any] = of_values(values, domain)[indices.to_numpy()]
        return column

    def separate(self, batch: Any) -> Sequence[dict[str, Any]]:
        """Return the inputs of every row as a dictionary by column."""
        columns = {
            field.name: plain(batch.column(position))
            for field, position in self.inputs
            if position is not None
        }
        return cast("Sequence[dict[str, Any]]", pa.RecordBatch.from_pydict(columns).to_pylist())

    def check(self, row: dict[str, Any]) -> None:
        """Check one row; raise the Refusal that says what is wrong with it."""
        values = {name: meaning(row.get(name), domain) for name, domain in self.domains.items()}
        problem = self.explainer.alone(values)
        if problem:
            raise problem

    def keep(self, batch: Any, good: Sequence[bool]) -> Any:
        """Return the rows of a record batch that are good."""
        return batch.filter(pa.array(good))

    def write(self, batch: Any, scores: Scores) -> None:
        """Write a record batch with its answers, as a row group."""
        kind, is_several = self.schema.types[batch.num_columns], len(self.manifest.targets) > 1
        labels = zip(*scores.by_target, strict=True) if is_several else [scores.labels]
        columns = [*batch.columns, *(pa.array(values, kind) for values in labels)]
        if scores.probabilities is not None:
            table = np.array(scores.probabilities, np.float64)
            if not is_several and self.manifest.anomaly is None:
                chosen = [self.classes[label] for label in scores.labels]
                columns.append(table[np.arange(len(batch)), chosen])
            columns += [*table.T]
        self.writer.write_batch(pa.record_batch(columns, schema=self.schema))

    def end(self) -> None:
        """Write the footer of the file."""
        self.writer.close()
        self.target.flush()

    def share(self) -> float | None:
        """Return the part of the rows that has been read, from 0 to 1."""
        return self.read / max(int(self.file.metadata.num_rows), 1)


def label_type(manifest: Manifest) -> Any:
    """Return the Arrow type of predictions."""
    if manifest.classes is None:
        return pa.float64()
    if len(manifest.targets) > 1:
        return pa.bool_()
    return pa.int64() if isinstance(manifest.classes[0], int) else pa.string()


def numbers(column: Any, domain: Number) -> NDArray[np.float64]:
    """Return an Arrow column of numbers as (rows,), NaN for null.

    Raises ValueError for one that the model does not take.
    """
    floats = column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    values = cast("NDArray[np.float64]", floats)
    require_numbers(values, column.null_count, domain)
    return values


def plain(column: Any) -> Any:
    """Return an Arrow column with dates as texts in ISO 8601, in UTC where they have a zone.

    Dates of Python end with the year 9999, those of a file do not.
    """
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        column = column.cast(pa.timestamp(kind.unit, "UTC"))
    return column.cast(pa.string()) if is_date(kind) else column


def is_number(kind: Any) -> bool:
    """Return whether an Arrow type holds numbers."""
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def is_text(kind: Any) -> bool:
    """Return whether an Arrow type holds texts, dictionary-encoded ones included."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_date(kind: Any) -> bool:
    """Return whether an Arrow type holds dates, with or without times."""
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


class ColumnType(NamedTuple):
    """The Arrow types that hold a kind of column, and what a message calls them."""

    holds: Callable[[Any], bool]
    words: str


TEXTS = ColumnType(is_text, "texts")
TYPES: dict[Kind, ColumnType] = {
    "numeric": ColumnType(is_number, "numbers"),
    "categorical": TEXTS,
    "text": TEXTS,
    "date": ColumnType(lambda kind: is_date(kind) or is_text(kind), "dates or texts"),
    "boolean": ColumnType(
        lambda kind: pa.types.is_boolean(kind) or is_text(kind), "booleans or texts"
    ),
}


def meaning(value: Any, domain: Domain) -> Value:
    """Return a value as JSON would hold it: a decimal as a float, a word as it is meant."""
    if isinstance(value, str):
        return domain.cell(value) if value else value
    return value if value is None or isinstance(value, int | float) else float(value)


def seekable(source: BinaryIO) -> BinaryIO:
    """Return a file with the same bytes in which one can seek: Parquet's metadata is at its end.

    Raises RowsRefused if rows from a pipe cannot be kept in a temporary file.
    """
    if source.seekable():
        return source
    try:
        spool = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the table
        shutil.copyfileobj(source, spool)
    except OSError as error:
        raise RowsRefused(
            f"Parquet from a pipe must have a directory for temporary files. Got instead: {error}. "
            "Redirect a file to standard input, or mount such a directory (--tmpfs /tmp)"
        ) from error
    spool.seek(0)
    return cast("BinaryIO", spool)


@contextmanager
def refusing_what_is_none() -> Iterator[None]:
    """Raise RowsRefused where the bytes turn out not to be Parquet."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise RowsRefused(
            f"The rows must be a Parquet file. Got instead: {reason} Write it again"
        ) from error
