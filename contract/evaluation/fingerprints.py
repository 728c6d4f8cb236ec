"""Recognise rows without being told them.

A row of the holdout is known by its place in the very data: whoever has those bytes can find it
again, and nobody else, however well its values can be guessed. A training row is known by its
values, since it is looked for in other data; `is_guessable` says where that would give them away.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract.bundle import Input, Outcome, Value

FORMAT = "<u4"  # with a million training rows, one other row in 4,000 is mistaken for one of them
PLACE = "<u8"
DECIMALS = 6  # that a number is taken to have, at most
ENOUGH = 40.0  # bits: of so many possible rows, 2 ** 8 have the fingerprint of each training row


def fingerprints(
    rows: Iterable[dict[str, Value]], truth: Sequence[Outcome]
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


def pack(rows: Iterable[dict[str, Value]], truth: Sequence[Outcome]) -> bytes:
    """Return the sorted fingerprints as bytes; sorting hides the order of the rows."""
    return np.sort(fingerprints(rows, truth)).tobytes()


def known(
    packed: bytes, rows: Iterable[dict[str, Value]], truth: Sequence[Outcome]
) -> NDArray[np.bool_]:
    """Return for each row whether its fingerprint is among the packed ones, as an array (rows,)."""
    return np.isin(fingerprints(rows, truth), np.frombuffer(packed, dtype=FORMAT))


def places(key: bytes, positions: Sequence[int]) -> bytes:
    """Return a fingerprint of eight bytes for each position of a row in the data.

    The BLAKE2b of the position, keyed by a hash of all of the data that is published nowhere.
    """
    return b"".join(
        hashlib.blake2b(position.to_bytes(8, "little"), key=key, digest_size=8).digest()
        for position in positions
    )


def is_guessable(
    inputs: Sequence[Input], decimals: Sequence[int], truth: Sequence[Outcome]
) -> bool:
    """Return whether all rows that may exist can be tried, until their fingerprints are found.

    `decimals` is how many each input is written with, 0 for a text.
    """
    bits = math.log2(max(1, len(set(truth))))
    for field, digits in zip(inputs, decimals, strict=True):
        if field.categories is not None:
            bits += math.log2(len(field.categories) + 1)
        elif field.minimum is not None and field.maximum is not None:
            steps = (field.maximum - field.minimum) * 10.0 ** min(digits, DECIMALS)
            bits += math.log2(steps + 1)
    return bits < ENOUGH
