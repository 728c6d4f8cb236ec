"""The cells of a CSV table row by row, as the dialect defines them."""

from __future__ import annotations

import io

from contract.bundle.dialect import MISSING, Dialect
from train.data.csv_table import CsvTable


def opened(content: bytes) -> CsvTable:
    """Return the table in bytes, named x.csv; raise ModelError for a header that is wrong."""
    return CsvTable(lambda: io.BytesIO(content), "x.csv", Dialect(missing=MISSING))


def cells(table: CsvTable) -> dict[str, list[str]]:
    """Return the cells (rows,) of each column, without outer spaces."""
    columns: dict[str, list[str]] = {name: [] for name in table.names}
    for row in table.careful_rows():
        for name, cell in zip(table.names, row, strict=True):
            columns[name].append(cell)
    return columns
