"""Score a stream of rows, a batch at a time: memory stays flat however many rows there are.

Reading and writing are Python; scoring is not, and releases the interpreter, so one batch is
scored while the next is read. Every row comes out as it came in, with its answer added.
"""

from __future__ import annotations

import sys
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, TextIO

from serve import bundles
from serve.errors import Refusal, RowsRefused
from serve.predictor import Predictor
from serve.progress import Progress
from serve.tables.csv import CsvTable
from serve.tables.jsonl import JsonlTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from serve.frame import Frame
    from serve.runtime import Scores
    from serve.settings import Settings
    from serve.tables import Table

FORMATS: dict[str, type[CsvTable | JsonlTable]] = {"csv": CsvTable, "jsonl": JsonlTable}


class Batch(NamedTuple):
    """Rows that are being scored."""

    lines: list[str]
    scores: Future[Scores]


def run(settings: Settings, form: str, source: TextIO, target: TextIO, *, skip: bool) -> None:
    """Score every row of `source` into `target`; raise RowsRefused for one that cannot be."""
    bundle = bundles.open_bundle(settings.bundle)
    predictor = Predictor(bundle, settings.threads)
    table: Table = FORMATS[form](source, bundle)
    sieve = Sieve(table, skip=skip)
    progress = Progress(source, sys.stderr)
    target.write(table.header)
    with ThreadPoolExecutor(1) as thread:
        for batch in one_ahead(begun(table, sieve, predictor, thread)):
            target.write("".join(table.answers(batch.lines, batch.scores.result())))
            progress.add(len(batch.lines))
    target.flush()
    progress.end()
    if sieve.refused:
        print(f"{sieve.refused} rows were refused and left out", file=sys.stderr)


def begun(
    table: Table, sieve: Sieve, predictor: Predictor, thread: ThreadPoolExecutor
) -> Iterator[Batch]:
    """Yield each batch when its scoring has begun."""
    for lines in filter(None, table.batches()):
        good, frame = sieve(lines)
        if good:
            yield Batch(good, thread.submit(predictor.runtime.score, frame))


def one_ahead(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Yield each batch after the next one was begun."""
    waiting: list[Batch] = []
    for batch in batches:
        waiting.append(batch)
        if len(waiting) > 1:
            yield waiting.pop(0)
    yield from waiting


class Sieve:
    """Keeps the rows that can be scored, and reports the others by number."""

    def __init__(self, table: Table, *, skip: bool) -> None:
        self.table = table
        self.skip = skip
        self.seen = 0
        self.refused = 0

    def __call__(self, lines: list[str]) -> tuple[list[str], Frame]:
        """Return the good rows; raise RowsRefused for a bad one unless they are skipped."""
        try:
            good, frame = lines, self.table.frame(lines)
        except (ValueError, Refusal):  # one row is wrong: look at each
            good = [
                line for number, line in enumerate(lines, self.seen + 1) if self.keeps(number, line)
            ]
            frame = self.table.frame(good)
        self.seen += len(lines)
        return good, frame

    def keeps(self, number: int, line: str) -> bool:
        try:
            self.table.check(line)
        except Refusal as refusal:
            message = f"Row {number}: {refusal}"
            if not self.skip:
                raise RowsRefused(f"{message} Mend it, or pass --skip-bad-rows") from None
            print(message, file=sys.stderr)
            self.refused += 1
            return False
        return True
