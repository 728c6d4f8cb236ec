"""A fitted encoder of categories as a table, made by encoding every category."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

UNKNOWN = "\N{SNOWMAN} no category"
LIMIT = 2_000  # categories; the table is as wide as it is long


class Lookup(NamedTuple):
    """The table of an encoder: row k is the encoding of category k of input column `columns[k]`.

    `columns` and `categories` have the shape (categories,). `table` (categories, width) holds the
    encodings. `members` (categories, width) marks the cells of the result that the input column
    decides; `default` (1, width) is what those are for an unknown category.
    """

    columns: NDArray[np.int64]
    categories: NDArray[Any]
    table: NDArray[np.float64]
    members: NDArray[np.bool_]
    default: NDArray[np.float64]

    @property
    def width(self) -> int:
        """The number of columns of the encoder's result."""
        return len(self.table[0])

    @property
    def is_one_hot(self) -> bool:
        """Whether the table is the identity: a cell for each category, all 0 for an unknown one."""
        identity = np.eye(len(self.table))
        return np.array_equal(self.table, identity) and not self.default.any()


def tabulate(encoder: Any) -> Lookup:
    """Return the table of an encoder, by encoding one category at a time.

    Raises NotImplementedError for more than LIMIT categories, and where a cell of the result
    depends on several input columns.
    """
    known = encoder.categories_
    if sum(map(len, known)) > LIMIT:
        raise NotImplementedError(f"an encoder of more than {LIMIT} categories")
    firsts = np.array([[categories[0] for categories in known]], dtype=np.result_type(*known))
    base = encode(encoder, firsts)
    tables = [
        encode(encoder, with_cells(firsts, n, categories)) for n, categories in enumerate(known)
    ]
    unknowns = [encode_unknown(encoder, firsts, n) for n in range(len(known))]
    owner = owners(base, tables, unknowns)
    zeros = np.zeros_like(base)
    lookup = Lookup(
        columns=np.repeat(np.arange(len(known)), [len(categories) for categories in known]),
        categories=np.concatenate([categories.astype(object) for categories in known]),
        table=np.concatenate([np.where(owner == n, table, 0) for n, table in enumerate(tables)]),
        members=np.concatenate(
            [np.tile(owner == n, (len(table), 1)) for n, table in enumerate(tables)]
        ),
        default=np.choose(owner, [zeros if row is None else row for row in unknowns]),
    )
    return compact(lookup)


def owners(
    base: NDArray[np.float64],
    tables: list[NDArray[np.float64]],
    unknowns: list[NDArray[np.float64] | None],
) -> NDArray[np.int64]:
    """Return the input column that decides each cell of the result, of shape (width,).

    `base` (1, width) encodes the first category of each column; `tables` has for each column the
    encodings (categories, width) of its categories, `unknowns` (1, width) that of an unknown one. A
    cell that never changes belongs to column 0. Raises NotImplementedError if two columns change
    one.
    """
    changes = [
        (np.vstack([table, base if unknown is None else unknown]) != base).any(axis=0)
        for table, unknown in zip(tables, unknowns, strict=True)
    ]
    if (np.sum(changes, axis=0) > 1).any():
        raise NotImplementedError("an encoder that mixes columns")
    first: NDArray[np.int64] = np.argmax(changes, axis=0)
    return first


def with_cells(row: NDArray[Any], column: int, cells: Any) -> NDArray[Any]:
    """Return a row (1, columns) once per cell, as (cells, columns), with the cells in `column`."""
    rows = np.repeat(row, len(cells), axis=0)
    rows[:, column] = cells
    return rows


def encode(encoder: Any, rows: NDArray[Any]) -> NDArray[np.float64]:
    """Return the encodings (rows, width) of rows of shape (rows, columns), as a dense array."""
    result = encoder.transform(rows)
    return np.asarray(result.toarray() if hasattr(result, "toarray") else result, dtype=np.float64)


def encode_unknown(encoder: Any, firsts: NDArray[Any], column: int) -> NDArray[np.float64] | None:
    """Return the encoding (1, width) of an unknown category, None if the encoder refuses those.

    `firsts` (1, columns) has a known category in each column.
    """
    unknown = UNKNOWN if firsts.dtype == object else np.nextafter(1e300, np.inf)
    try:
        return encode(encoder, with_cells(firsts, column, [unknown]))
    except ValueError:
        return None


def compact(lookup: Lookup) -> Lookup:
    """Leave out categories whose encoding is all zeros, where that of unknown ones is as well."""
    if lookup.default.any():
        return lookup
    kept = lookup.table.any(axis=1)
    return lookup._replace(
        columns=lookup.columns[kept],
        categories=lookup.categories[kept],
        table=lookup.table[kept],
        members=lookup.members[kept],
    )
