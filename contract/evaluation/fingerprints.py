"""Rows as a model meets them: whether it was trained on one, and whether it answers it.

A training row is kept as its fingerprint: enough to recognise the row, not to read it. These are
four bytes: of a million training rows, one stranger in 4,000 is taken for one of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract.bundle import Input, Label, Serving, Value

FORMAT = "<u4"


def fingerprints(
    rows: Iterable[dict[str, Value]], truth: Sequence[Label]
) -> NDArray[np.unsignedinteger]:
    """Return a number for each row, which follows from its inputs by name and its target."""
    encode = msgspec.json.Encoder(order="sorted").encode
    digests = (
        hashlib.blake2b(encode((row, label)), digest_size=4).digest()
        for row, label in zip(rows, truth, strict=True)
    )
    return np.frombuffer(b"".join(digests), dtype=FORMAT)


def pack(rows: Iterable[dict[str, Value]], truth: Sequence[Label]) -> bytes:
    """Return the fingerprints in their own order, which says nothing of the order of the rows."""
    return np.sort(fingerprints(rows, truth)).tobytes()


def known(
    packed: bytes, rows: Iterable[dict[str, Value]], truth: Sequence[Label]
) -> NDArray[np.bool_]:
    """Tell of each row whether it is among the packed ones."""
    return np.isin(fingerprints(rows, truth), np.frombuffer(packed, dtype=FORMAT))


def takes(inputs: Sequence[Input], serving: Serving, row: dict[str, Value]) -> bool:
    """Tell whether a server of the model answers the row, as its schema says."""
    return all(takes_cell(each, row[each.name], serving) for each in inputs)


def takes_cell(each: Input, cell: Value, serving: Serving) -> bool:
    if cell is None:
        return each.missing
    if isinstance(cell, str):
        known = serving.unknown_category == "ignore" or not each.categories
        return each.kind == "categorical" and (known or cell in (each.categories or ()))
    if serving.out_of_range == "accept" or each.minimum is None or each.maximum is None:
        return each.kind == "numeric"
    return each.kind == "numeric" and each.minimum <= cell <= each.maximum
