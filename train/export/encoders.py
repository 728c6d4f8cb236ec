"""What a fitted encoder of categories does, as a table: it is asked about every category."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

UNKNOWN = "\N{SNOWMAN} no category"
LIMIT = 2_000  # categories; the table is as wide as it is long


class Lookup(NamedTuple):
    """Row k of `table` [K, width] is the encoding of category k of input column `columns[k]`.

    `members` [K, width] marks the cells of the result which that input column decides; `default`
    [1, width] is what they are for an unknown category.
    """

    columns: NDArray[np.int64]
    categories: NDArray[Any]
    table: NDArray[np.float64]
    members: NDArray[np.bool_]
    default: NDArray[np.float64]

    @property
    def width(self) -> int:
        return len(self.table[0])

    @property
    def is_one_hot(self) -> bool:
        """Say whether the table changes nothing: one cell for each category, 0 if unknown."""
        identity = np.eye(len(self.table))
        return np.array_equal(self.table, identity) and not self.default.any()


def tabulate(encoder: Any) -> Lookup:
    """Ask the encoder about one category at a time; each input column has its own cells."""
    known = encoder.categories_
    if sum(map(len, known)) > LIMIT:
        raise NotImplementedError(f"an encoder of more than {LIMIT} categories")
    firsts = np.array([[each[0] for each in known]], dtype=np.result_type(*known))
    base = encode(encoder, firsts)
    tables = [encode(encoder, with_cells(firsts, n, each)) for n, each in enumerate(known)]
    unknowns = [encode_unknown(encoder, firsts, n) for n in range(len(known))]
    owner = owners(base, tables, unknowns)
    zeros = np.zeros_like(base)
    lookup = Lookup(
        columns=np.repeat(np.arange(len(known)), [len(each) for each in known]),
        categories=np.concatenate([each.astype(object) for each in known]),
        table=np.concatenate([np.where(owner == n, table, 0) for n, table in enumerate(tables)]),
        members=np.concatenate(
            [np.tile(owner == n, (len(table), 1)) for n, table in enumerate(tables)]
        ),
        default=np.choose(owner, [zeros if each is None else each for each in unknowns]),
    )
    return compact(lookup)


def owners(
    base: NDArray[np.float64],
    tables: list[NDArray[np.float64]],
    unknowns: list[NDArray[np.float64] | None],
) -> NDArray[np.int64]:
    """Return, for each cell of the result, the input column that changes it (0 if none does)."""
    changes = [
        (np.vstack([table, base if unknown is None else unknown]) != base).any(axis=0)
        for table, unknown in zip(tables, unknowns, strict=True)
    ]
    if (np.sum(changes, axis=0) > 1).any():
        raise NotImplementedError("an encoder that mixes columns")
    first: NDArray[np.int64] = np.argmax(changes, axis=0)
    return first


def with_cells(row: NDArray[Any], column: int, cells: Any) -> NDArray[Any]:
    """Repeat a row, with other values in one column."""
    rows = np.repeat(row, len(cells), axis=0)
    rows[:, column] = cells
    return rows


def encode(encoder: Any, rows: NDArray[Any]) -> NDArray[np.float64]:
    result = encoder.transform(rows)
    return np.asarray(result.toarray() if hasattr(result, "toarray") else result, dtype=np.float64)


def encode_unknown(encoder: Any, firsts: NDArray[Any], column: int) -> NDArray[np.float64] | None:
    """Return the encoding of an unknown category, or None if the encoder refuses them."""
    unknown = UNKNOWN if firsts.dtype == object else np.nextafter(1e300, np.inf)
    try:
        return encode(encoder, with_cells(firsts, column, [unknown]))
    except ValueError:
        return None


def compact(lookup: Lookup) -> Lookup:
    """Leave out categories that encode to nothing but zeros, if so do unknown ones."""
    if lookup.default.any():
        return lookup
    kept = lookup.table.any(axis=1)
    return lookup._replace(
        columns=lookup.columns[kept],
        categories=lookup.categories[kept],
        table=lookup.table[kept],
        members=lookup.members[kept],
    )
