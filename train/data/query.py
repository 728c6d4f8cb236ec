"""Read the result of a query: of a database by its address, or of an SQLite file."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import adbc_driver_manager
import pyarrow as pa
import pyarrow.compute as pc

from contract.bundle import Dialect
from contract.spec.credentials import DATABASE

ROWS = 64 * 1024  # in a batch
NULL = "\\N"
FAILURES = (OSError, adbc_driver_manager.Error)
# An address that libpq takes apart without complaint: its complaints quote parts of a password.
CHARACTER = r"(?:[^@/\s%]|%[0-9A-Fa-f]{2})"
ADDRESS = re.compile(
    rf"postgres(?:ql)?://(?:{CHARACTER}*@)?{CHARACTER}*(?:/{CHARACTER}*)?(?:\?(?:{CHARACTER}|/)*)?"
)


class QueryTable:
    r"""The sorted rows of a query's result, and the sha256 of them.

    Rows are sorted, as a database may give them in any order, by PostgreSQL's text format of COPY:
    cells with tabs between, `\\N` for null. The sha256 is that of the names and then the rows;
    `secret` is another hash of the same.
    """

    def __init__(self, result: pa.Table, dialect: Dialect) -> None:
        self.dialect = dialect
        self.names: list[str] = result.column_names
        plain = [stored(column.combine_chunks()) for column in result.columns]
        cells = [escaped(column) for column in plain]
        lines = pc.binary_join_element_wise(*cells, "\t")
        order = pc.array_sort_indices(lines)
        self.table = pa.table(plain, names=self.names).take(order)
        names = "\t".join(self.names).encode()
        totals: list[Any] = [hashlib.sha256(names), hashlib.blake2s(names)]
        for start in range(0, len(lines), ROWS):
            sorted_lines = lines.take(order[start : start + ROWS]).to_pylist()
            for total in totals:
                total.update("".join(f"\n{line}" for line in sorted_lines).encode())
        self.sha256, self.secret = (total.hexdigest() for total in totals)

    def batches(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the named columns."""
        yield from self.table.select(list(names)).to_batches(ROWS)


def run(query: str, file: Path | None) -> pa.Table:
    """Return the result of a query, in a transaction that cannot write.

    `file` is an SQLite file; without it, DATABASE_URL names the database. Raises OSError, KeyError
    where there is no address, or another of FAILURES, whose text may hold parts of the address.
    """
    address = f"sqlite://{file.resolve()}" if file else os.environ[DATABASE]
    with connect(address) as connection, connection.cursor() as cursor:
        if not address.startswith("sqlite:"):
            cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(query)
        return cursor.fetch_arrow_table()


def connect(address: str) -> Any:
    """Connect to a database; raise OSError for an address of another kind."""
    scheme, _, rest = address.partition("://")
    if scheme == "sqlite":
        from adbc_driver_sqlite import dbapi  # noqa: PLC0415 - few models need a database

        return dbapi.connect(f"file:{quote(rest)}?mode=ro")
    if scheme not in ("postgresql", "postgres"):
        raise OSError(f"{DATABASE} names neither postgresql:// nor sqlite://")
    if not ADDRESS.fullmatch(address):
        form = "postgresql://user:password@host:port/database"
        raise OSError(f"{DATABASE} is no {form} with its special characters percent-encoded")
    from adbc_driver_postgresql import dbapi as postgresql  # noqa: PLC0415 - as above

    return postgresql.connect(address)


def stored(column: pa.Array) -> pa.Array:
    """Return a column in a type of Arrow's own; NUMERIC of PostgreSQL comes as text, exactly."""
    is_extension = isinstance(column.type, pa.BaseExtensionType)
    return column.storage if is_extension else column


def escaped(column: pa.Array) -> pa.Array:
    """Return a column's cells as texts without tabs and line ends, each other cell another text."""
    try:
        texts = pc.cast(column, pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        values = [None if cell is None else str(cell) for cell in column.to_pylist()]
        texts = pa.array(values, pa.string())
    for plain, written in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        texts = pc.replace_substring(texts, plain, written)
    return pc.fill_null(texts, NULL)
