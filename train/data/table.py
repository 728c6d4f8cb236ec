"""A table that is read in batches, whatever it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import pyarrow as pa

from contract.bundle import Dialect


class Table(Protocol):
    """Rows of named columns; `dialect` is how texts among them are read."""

    names: list[str]
    dialect: Dialect

    def batches(self, names: Sequence[str]) -> Iterable[pa.RecordBatch]:
        """Yield the rows, in their order, of the named columns; null where a value is missing.

        Raises ModelError for what turns out not to be a table.
        """
