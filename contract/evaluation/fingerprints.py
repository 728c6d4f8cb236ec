"""Find out whether a model was trained on a row.

A training row is kept as its fingerprint, by which it can be recognised but not read. It has four
bytes: with a million training rows, one other row in 4,000 is mistaken for one of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract.bundle import Label, Value

FORMAT = "<u4"


def fingerprints(
    rows: Iterable[dict[str, Value]], truth: Sequence[Label]
) -> NDArray[np.unsignedinteger]:
    """Return a number for each row, an array (rows,), made from its inputs by name and its target.

    Four bytes of BLAKE2b (RFC 7693) of the row as JSON with sorted keys.
    """
    encode = msgspec.json.Encoder(order="sorted").encode
    digests = (
        hashlib.blake2b(encode((row, label)), digest_size=4).digest()
        for row, label in zip(rows, truth, strict=True)
    )
    return np.frombuffer(b"".join(digests), dtype=FORMAT)


def pack(rows: Iterable[dict[str, Value]], truth: Sequence[Label]) -> bytes:
    """Return the sorted fingerprints as bytes; sorting hides the order of the rows."""
    return np.sort(fingerprints(rows, truth)).tobytes()


def known(
    packed: bytes, rows: Iterable[dict[str, Value]], truth: Sequence[Label]
) -> NDArray[np.bool_]:
    """Return for each row whether its fingerprint is among the packed ones, as an array (rows,)."""
    return np.isin(fingerprints(rows, truth), np.frombuffer(packed, dtype=FORMAT))
