"""Tell the format of a data file by its first bytes, and open it as a table."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from contract.bundle import Dialect
from contract.errors import ModelError
from train.data.csv_table import CsvTable
from train.data.stored_table import ArrowTable, ParquetTable
from train.data.table import Table

READABLE = "a CSV table (also .gz or .zst), a Parquet or an Arrow file"
BEGINNING = 16  # bytes
# How much a compressed file may expand: its sha256 is pinned, but a person may pin a bomb unseen.
EXPANSION, ALWAYS = 1_000, 1024**3

ARCHIVE = (
    "Save its table as CSV or Parquet: in a spreadsheet by File, Save as; from NumPy by "
    "pandas.DataFrame(…).to_parquet(…); from a zip by unpacking it."
)
# What people have that is no table here: the first bytes, what it is called, and the cure.
OTHERS = (
    (b"PK\x03\x04", "a zip archive, as .xlsx and .npz are", ARCHIVE),
    (b"\xd0\xcf\x11\xe0", "an .xls workbook", "Save its table as CSV."),
    (b"SQLite format 3\x00", "an SQLite database", "Add a query to [data] that reads the rows."),
    (b"\x89HDF", "an HDF5 file", "Write its table with pandas.DataFrame.to_parquet."),
    (b"\x93NUMPY", "a NumPy array", "Write it with pandas.DataFrame(…).to_parquet(…)."),
    (b"\x80\x04\x95", "a pickle", "Write its table with pandas.DataFrame.to_parquet."),
    (b"\x80\x05\x95", "a pickle", "Write its table with pandas.DataFrame.to_parquet."),
    (b"ORC", "an ORC file", "Write it as Parquet."),
    (b"Obj\x01", "an Avro file", "Write it as Parquet."),
    (b"FEA1", "a Feather file of version 1", "Write it with pandas.DataFrame.to_feather."),
    (b"BZh", "a bzip2 file", "Compress it with gzip or zstd instead."),
    (b"\xfd7zXZ\x00", "an xz file", "Compress it with gzip or zstd instead."),
    (b"%PDF", "a PDF", "Export its table as CSV."),
)  # fmt: skip
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


def open_table(file: Path, where: str, dialect: Dialect) -> Table:
    """Return the table in a file; `where` names it in messages, `dialect` is the CSV's default.

    Raises ModelError for a file that holds none.
    """
    with file.open("rb") as opened:
        beginning = opened.read(BEGINNING)
    if beginning.startswith(b"PAR1"):
        return ParquetTable(file, where, dialect)
    if beginning.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return ArrowTable(file, where, dialect)
    open_text = opener(file, where, beginning)
    if beginning.startswith((GZIP, ZSTD)):
        with open_text() as opened:
            beginning = opened.read(BEGINNING)
    for magic, name, cure in OTHERS:
        if beginning.startswith(magic):
            raise ModelError(where, READABLE, name, cure)
    if beginning.lstrip()[:1] in (b"{", b"["):
        cure = "Write it with pandas.read_json(…).to_parquet(…)."
        raise ModelError(where, READABLE, "JSON", cure)
    return CsvTable(open_text, where, dialect)


def opener(file: Path, where: str, beginning: bytes) -> Callable[[], BinaryIO]:
    """Return a function that opens a file, decompressed if need be."""
    most = max(ALWAYS, EXPANSION * file.stat().st_size)
    if beginning.startswith(GZIP):
        return lambda: bounded(cast("BinaryIO", gzip.open(file)), where, most)
    if beginning.startswith(ZSTD):
        return lambda: bounded(pa.input_stream(str(file), compression="zstd"), where, most)
    return lambda: file.open("rb")


def bounded(stream: BinaryIO, where: str, most: int) -> BinaryIO:
    """Return a stream that reads at most so many bytes."""
    return io.BufferedReader(Expanded(stream, where, most), 1024**2)


class Expanded(io.RawIOBase):
    """A decompressed stream; raises ModelError beyond `most` bytes, and for one that is broken."""

    def __init__(self, stream: BinaryIO, where: str, most: int) -> None:
        self.stream = stream
        self.where = where
        self.most = self.left = most

    def readable(self) -> bool:
        """Return that one may read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer, and return how many bytes were read.

        Raises ModelError for a stream that is broken or too long.
        """
        try:
            content = self.stream.read(len(buffer))
        except (OSError, EOFError, pa.ArrowException) as error:
            cure = "Compress it again, or copy it again."
            raise ModelError(self.where, "a whole compressed file", error, cure) from error
        self.left -= len(content)
        if self.left < 0:
            expected = f"of at most {self.most} bytes without its compression"
            raise ModelError(self.where, expected, "more", "Split it, or write it as Parquet.")
        buffer[: len(content)] = content
        return len(content)
