"""Type the cells of a column, a whole array at a time; cell by cell only to name a wrong one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contract.bundle.dialect import Dialect


class WrongCellError(Exception):
    """A cell that its column cannot hold: its position in the array, from 0, and what it is."""

    def __init__(self, position: int, cell: object) -> None:
        super().__init__(position, cell)
        self.position = position
        self.cell = cell


class CellTyper:
    """Types columns of a table, Arrow arrays (rows,) of texts or of values that have a type.

    `has_decimal_commas` tells whether there was a number written with one so far.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.missing = pa.array(sorted(set(dialect.missing)), pa.string())
        self.has_decimal_commas = False

    def numbers(self, cells: pa.Array) -> NDArray[np.float64]:
        """Return finite numbers (rows,), NaN where missing.

        Raises WrongCellError for the first cell that is none.
        """
        if is_number(cells.type):
            values = as_floats(cells)
            wrong = np.flatnonzero(np.isinf(values))
            if len(wrong):
                raise WrongCellError(int(wrong[0]), float(values[wrong[0]]))
            return values
        texts = as_texts(cells)
        parsed = finite_floats(texts)
        if parsed is None:
            parsed = finite_floats(self.plain(texts))
        return self.careful_numbers(texts) if parsed is None else parsed

    def plain(self, texts: pa.Array) -> pa.Array:
        """Return texts as Arrow parses them: stripped, null where missing, decimal points."""
        texts = pc.utf8_trim_whitespace(texts)
        texts = pc.if_else(pc.is_in(texts, self.missing), None, texts)
        if self.dialect.takes_decimal_commas:
            commas = pc.and_(
                pc.equal(pc.count_substring(texts, ","), 1),
                pc.invert(pc.match_substring(texts, ".")),
            )
            self.has_decimal_commas |= bool(pc.any(commas).as_py())
            texts = pc.if_else(commas, pc.replace_substring(texts, ",", "."), texts)
        return texts

    def careful_numbers(self, texts: pa.Array) -> NDArray[np.float64]:
        """Return numbers (rows,) cell by cell; raise WrongCellError for the first that is none."""
        values = np.full(len(texts), np.nan)
        for position, text in enumerate(texts.to_pylist()):
            cell = (text or "").strip()
            if cell not in self.dialect.missing:
                value = self.dialect.number(cell)
                if value is None:
                    raise WrongCellError(position, cell)
                values[position] = value
        return values

    def texts(self, cells: pa.Array) -> pa.DictionaryArray:
        """Return texts (rows,) without outer spaces, each once in the dictionary; null if missing.

        Raises WrongCellError for a column of a type that cannot be written as text.
        """
        encoded = as_texts(cells).dictionary_encode()
        words = [word.strip() for word in encoded.dictionary.to_pylist()]
        known = [None if word in self.dialect.missing else word for word in words]
        return pa.array(known, pa.string()).take(encoded.indices).dictionary_encode()


def any_texts(cells: pa.Array) -> NDArray[np.object_]:
    """Return cells (rows,) of any type as texts of some form, "" for null."""
    values = ["" if cell is None else str(cell) for cell in cells.to_pylist()]
    return np.array(values, dtype=object)


def is_number(kind: pa.DataType) -> bool:
    """Return whether an Arrow type holds numbers; a decimal is parsed as text, to be exact."""
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_null(kind)
    )


def finite_floats(texts: pa.Array) -> NDArray[np.float64] | None:
    """Return texts (rows,) as floats, NaN for null; None where one is no finite number."""
    try:
        values = as_floats(texts)
    except pa.ArrowInvalid:
        return None
    finite = np.count_nonzero(np.isfinite(values)) + texts.null_count == len(values)
    return values if finite else None


def as_floats(cells: pa.Array) -> NDArray[np.float64]:
    """Return cells (rows,) as floats, NaN for null; raise ArrowInvalid for a text that is none."""
    floats: NDArray[np.float64] = pc.cast(cells, pa.float64(), safe=False).to_numpy(
        zero_copy_only=False
    )
    return floats


def as_texts(cells: pa.Array) -> pa.Array:
    """Return cells (rows,) as texts; numbers that are whole, as integers with gaps are, without .0.

    Times with a zone are in UTC.

    Raises WrongCellError for a type that cannot be written as text.
    """
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if pa.types.is_floating(cells.type):
        cells = pc.if_else(pc.is_nan(cells), None, cells)
        if pc.all(pc.equal(pc.round(cells), cells)).as_py():
            cells = pc.cast(cells, pa.int64(), safe=False)
    if pa.types.is_timestamp(cells.type) and cells.type.tz is not None:  # else to whole minutes
        cells = pc.cast(cells, pa.timestamp(cells.type.unit, "UTC"))
    try:
        return pc.cast(cells, pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise WrongCellError(0, f"a {cells.type}") from error


class Floats:
    """Numbers that arrays (rows,) are appended to, in memory that grows where it is."""

    def __init__(self) -> None:
        self.values = np.empty(0)
        self.size = 0

    def append(self, values: NDArray[np.float64]) -> None:
        """Add an array (rows,)."""
        start, self.size = self.size, self.size + len(values)
        if self.size > len(self.values):
            self.values.resize(max(self.size, len(self.values) * 9 // 8), refcheck=False)
        self.values[start : self.size] = values

    def array(self) -> NDArray[np.float64]:
        """Return all of them as one array (rows,)."""
        self.values.resize(self.size, refcheck=False)
        return self.values


class Texts:
    """Texts that arrays (rows,), as `CellTyper.texts` returns them, are appended to."""

    def __init__(self, chunks: Sequence[pa.DictionaryArray] = ()) -> None:
        self.chunks = list(chunks)

    def append(self, texts: pa.DictionaryArray) -> None:
        """Add an array."""
        self.chunks.append(texts)

    def words_and_codes(self) -> tuple[list[str], NDArray[Any]]:
        """Return the different texts, and for each row (rows,) which one it is; -1 for null."""
        kind = pa.dictionary(pa.int32(), pa.string())
        whole = pa.chunked_array(self.chunks, kind).combine_chunks()
        codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return whole.dictionary.to_pylist(), codes

    def array(self) -> NDArray[np.object_]:
        """Return texts as an array (rows,) of str in which equal ones are one; "" for null."""
        words, codes = self.words_and_codes()
        array: NDArray[np.object_] = np.array([*words, ""], dtype=object)[codes]
        return array
