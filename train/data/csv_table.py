"""Read a CSV file as batches of text columns, before anything is known about their types.

Arrow reads it. Where Arrow cannot, `contract.bundle.dialect` reads it again, which is slow and
either succeeds (a row longer than BLOCK) or names the row that is wrong.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa
from pyarrow import csv as arrow_csv

from contract.bundle.dialect import Dialect, name_columns
from contract.errors import ModelError

# Bytes that Arrow reads at once; no row may be longer there. A wide table needs more for some rows.
BLOCK, PER_COLUMN = 1024**2, 16 * 1024
HEADER = 4 * 1024**2  # bytes within which the header must end
ROWS = 50_000  # in a batch of the slow reader
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
Open = Callable[[], BinaryIO]


class CsvTable:
    """A CSV file, whose header has been read; `where` names the file in messages.

    Raises ModelError for a file that is empty, has no rows, is not UTF-8, repeats a name in the
    header, has a row of another length, or a quote that is never closed.
    """

    def __init__(self, open_file: Open, where: str, dialect: Dialect) -> None:
        self.open_file = open_file
        self.where = where
        with open_file() as file:
            beginning = file.read(HEADER)
        text = decode(beginning, where, final=len(beginning) < HEADER)
        self.dialect = dialect.for_header(text)
        lines = io.StringIO(text, newline="")
        header = next(filter(None, csv.reader(lines, delimiter=self.dialect.delimiter)), None)
        if header is None:
            raise ModelError(where, "a CSV table with a header", "an empty file", "Check the file.")
        mark = len(codecs.BOM_UTF8) * beginning.startswith(codecs.BOM_UTF8)
        self.start = mark + len(text[: lines.tell()].encode())  # where the first row begins
        self.names = name_columns([name.strip() for name in header])
        check_names(self.names, where)

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the named columns as texts: null where missing, else as written.

        A text may still have outer spaces, and mean "no value" without them. Raises ModelError
        for the first wrong row, and where there is none.
        """
        rows = 0
        try:
            for batch in self.arrow_batches(names):
                rows += len(batch)
                yield batch
        except pa.ArrowInvalid:
            for batch in self.careful_batches(names, skip=rows):
                rows += len(batch)
                yield batch
        if not rows:
            raise ModelError(self.where, "a header and rows", "a header only", "Check the file.")

    def arrow_batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield batches as Arrow reads them; raise ArrowInvalid for what it cannot read."""
        with self.open_file() as file:
            file.read(self.start)
            yield from arrow_csv.open_csv(
                pa.PythonFile(file, mode="r"),
                arrow_csv.ReadOptions(
                    column_names=self.names, block_size=max(BLOCK, PER_COLUMN * len(self.names))
                ),
                arrow_csv.ParseOptions(delimiter=self.dialect.delimiter, newlines_in_values=True),
                arrow_csv.ConvertOptions(
                    column_types=dict.fromkeys(self.names, pa.string()),
                    include_columns=list(names),
                    null_values=[cell for cell in self.dialect.missing if cell == cell.strip()],
                    strings_can_be_null=True,
                ),
            )

    def careful_batches(self, names: Sequence[str], skip: int) -> Iterator[pa.RecordBatch]:
        """Yield the same row by row, but for the first rows; raise ModelError for a wrong one."""
        places = [self.names.index(name) for name in names]
        rows = itertools.islice(self.careful_rows(), skip, None)
        while batch := list(itertools.islice(rows, ROWS)):
            columns = [pa.array([row[place] for row in batch], pa.string()) for place in places]
            yield pa.record_batch(columns, names=list(names))

    def careful_rows(self) -> Iterator[list[str]]:
        """Yield the cells of each row; raise ModelError for the first that is wrong."""
        number = 0
        with self.open_file() as file:
            file.read(self.start)
            lines = io.TextIOWrapper(file, encoding="utf-8", newline="")
            try:
                for number, row in enumerate(self.dialect.rows(lines), start=1):
                    self.check_width(number, row)
                    yield row
            except UnicodeDecodeError:
                with self.open_file() as again:
                    decode(again.read(), self.where)
                raise
            except ValueError as error:
                cure = 'Close the quote; write a quote inside of quotes twice: "".'
                where = f"{self.where}: row {number + 1}"
                raise ModelError(where, "closed where it has quotes", error, cure) from error

    def check_width(self, number: int, row: list[str]) -> None:
        """Check that a row is as long as the header; raise ModelError if it is not."""
        if len(row) != len(self.names):
            expected = f"{len(self.names)} cells long, as the header is"
            cure = "Mend that row; quote cells that contain the delimiter."
            raise ModelError(f"{self.where}: row {number}", expected, f"{len(row)} cells", cure)


def decode(content: bytes, where: str, *, final: bool = True) -> str:
    """Return the text, of which more may follow; raise ModelError if the bytes are not UTF-8."""
    try:
        return codecs.getincrementaldecoder("utf-8-sig")().decode(content, final)
    except UnicodeDecodeError as error:
        got = f"byte 0x{content[error.start]:02x} at position {error.start}"
        likely = "UTF-16" if content[:2] in UTF_16 else "WINDOWS-1252"
        cure = f"Convert it: iconv -f {likely} -t UTF-8 IN > OUT"
        raise ModelError(where, "a CSV table in UTF-8", got, cure) from error


def check_names(names: Sequence[str], where: str) -> None:
    """Raise ModelError for a name that occurs twice."""
    for name, count in Counter(names).items():
        if count > 1:
            cure = "Rename or remove all but one."
            raise ModelError(
                f"{where}: the header", "free of duplicates", f"{name!r} {count} times", cure
            )
