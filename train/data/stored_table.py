"""Read files of columns that have a type: Parquet, and Arrow's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from pyarrow import ipc, parquet

from contract.bundle import Dialect
from contract.errors import ModelError

ROWS = 64 * 1024  # in a batch


class ParquetTable:
    """A Parquet file; raises ModelError for one that cannot be read."""

    def __init__(self, file: Path, where: str, dialect: Dialect) -> None:
        self.where, self.dialect = where, dialect
        with readable(where, "a Parquet file"):
            self.file = parquet.ParquetFile(file, memory_map=True)
        self.names: list[str] = self.file.schema_arrow.names

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the named columns."""
        with readable(self.where, "a Parquet file"):
            yield from self.file.iter_batches(ROWS, columns=list(names))


class ArrowTable:
    """An Arrow (Feather) file, or a stream of Arrow's in a file; raises ModelError for another."""

    def __init__(self, file: Path, where: str, dialect: Dialect) -> None:
        self.file, self.where, self.dialect = file, where, dialect
        with readable(where, "an Arrow file"):
            self.names: list[str] = self.open().schema.names

    def open(self) -> ipc.RecordBatchFileReader | ipc.RecordBatchStreamReader:
        """Open the file, or the stream."""
        mapped = pa.memory_map(str(self.file))
        is_file = mapped.read(6) == b"ARROW1"
        mapped.seek(0)
        return ipc.open_file(mapped) if is_file else ipc.open_stream(mapped)

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the named columns."""
        with readable(self.where, "an Arrow file"):
            reader = self.open()
            batches: Iterable[pa.RecordBatch] = (
                map(reader.get_batch, range(reader.num_record_batches))
                if isinstance(reader, ipc.RecordBatchFileReader)
                else reader
            )
            for batch in batches:
                batch.validate(full=True)  # the file is a stranger's
                yield batch.select(list(names))


@contextmanager
def readable(where: str, expected: str) -> Iterator[None]:
    """Raise ModelError where the bytes turn out to be something else."""
    try:
        yield
    except (pa.ArrowException, OSError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(where, f"{expected} that is whole", reason, "Write it again.") from error
