"""Score a stream of rows, a batch at a time: memory stays flat however many rows there are.

While onnxruntime scores one batch, which releases the interpreter lock, the next one is read. Every
row is written as it was read, with its answer added.
"""

# ruff: noqa: PLC0415 - pyarrow, which Parquet needs, is not in every image
from __future__ import annotations

import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from serve.bulk.progress import Progress
from serve.errors import Refusal, RowsRefused
from serve.inference.bundle import open_bundle
from serve.inference.predictor import open_predictor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contract.bundle import Bundle
    from serve.bulk.row_format import RowFormat
    from serve.inference.arrays import Frame
    from serve.inference.predictor import Predictor
    from serve.inference.scores import Scores
    from serve.settings import Settings

PARQUET = b"PAR1"  # the first bytes of such a file


class Batch(NamedTuple):
    """Rows, as their format has them, and the answers that are being computed."""

    rows: Any
    scores: Future[Scores]


def run(
    settings: Settings, form: str | None, source: BinaryIO, target: BinaryIO, *, skip: bool
) -> None:
    """Score every row of `source` into `target`, in the format `form` or a guessed one.

    With `skip`, a row that cannot be scored is reported and left out. Raises RowsRefused for one
    otherwise, and Failure if the bundle must not be served.
    """
    bundle = open_bundle(settings.bundle)
    row_format = open_format(form or guess(source), source, target, bundle)
    predictor = open_predictor(bundle, settings.threads)
    row_filter = RowFilter(row_format, skip=skip)
    progress = Progress(row_format.share, sys.stderr)
    row_format.start()
    with ThreadPoolExecutor(1) as thread:
        for batch in prefetched(submitted(row_format, row_filter, predictor, thread)):
            row_format.write(batch.rows, batch.scores.result())
            progress.add(len(batch.rows))
    row_format.end()
    progress.end()
    if row_filter.refused:
        print(f"{row_filter.refused} rows were refused and left out", file=sys.stderr)


def guess(source: BinaryIO) -> str:
    """Return the format of the rows, by their first bytes."""
    beginning = source.peek(len(PARQUET))  # type: ignore[attr-defined]
    return "parquet" if beginning.startswith(PARQUET) else "csv"


def open_format(form: str, source: BinaryIO, target: BinaryIO, bundle: Bundle) -> RowFormat[Any]:
    """Return the reader and writer of a format; raise RowsRefused for rows it cannot be."""
    if form == "parquet":
        from serve.bulk.parquet import ParquetFormat

        return ParquetFormat(source, target, bundle)
    if form == "jsonl":
        from serve.bulk.jsonl import JsonlFormat

        return JsonlFormat(source, target, bundle)
    from serve.bulk.csv import CsvFormat

    return CsvFormat(source, target, bundle)


def submitted(
    row_format: RowFormat[Any],
    row_filter: RowFilter,
    predictor: Predictor,
    thread: ThreadPoolExecutor,
) -> Iterator[Batch]:
    """Yield each batch when its scoring has begun; raise RowsRefused as `RowFilter` does."""
    for rows in row_format.batches():
        valid = row_filter(rows)
        if valid:
            yield Batch(valid.rows, thread.submit(predictor.runtime.score, valid.frame))


def prefetched(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield each batch once the next one has begun, so that reading and scoring overlap."""
    waiting: list[Batch] = []
    for batch in batches:
        waiting.append(batch)
        if len(waiting) > 1:
            yield waiting.pop(0)
    yield from waiting


class ValidRows(NamedTuple):
    """Rows that can be scored, and the same as arrays."""

    rows: Any
    frame: Frame


class RowFilter:
    """Keeps the rows that can be scored, and reports the others by their number, from 1."""

    def __init__(self, row_format: RowFormat[Any], *, skip: bool) -> None:
        self.row_format = row_format
        self.skip = skip
        self.seen = 0
        self.refused = 0

    def __call__(self, rows: Any) -> ValidRows | None:
        """Return the valid rows, if any; raise RowsRefused for a bad one unless it is skipped."""
        if not len(rows):
            return None
        first = self.seen + 1
        self.seen += len(rows)
        try:
            return ValidRows(rows, self.row_format.frame(rows))
        except (ValueError, Refusal):  # at least one row is wrong: check each
            numbered = enumerate(self.row_format.separate(rows), first)
            valid = [self.keeps(number, row) for number, row in numbered]
        if not any(valid):
            return None
        rows = self.row_format.keep(rows, valid)
        return ValidRows(rows, self.row_format.frame(rows))

    def keeps(self, number: int, row: Any) -> bool:
        """Return whether a row can be scored.

        Raises RowsRefused if not, unless such rows are skipped.
        """
        try:
            self.row_format.check(row)
        except Refusal as refusal:
            message = f"Row {number}: {refusal}"
            if not self.skip:
                raise RowsRefused(f"{message} Mend it, or pass --skip-bad-rows") from None
            print(message, file=sys.stderr)
            self.refused += 1
            return False
        return True
