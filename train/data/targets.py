"""The truth y of rows: (rows,) of one target, (rows, targets) of several numbers or labels.

Labels are targets that are true or false, as 1 and 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Outcome
from contract.errors import ModelError
from contract.spec.model_toml import ModelSpec

WORDS = ({"true", "false"}, {"yes", "no"}, {"1", "0"})  # of a label, in upper or lower case
TRUE = {"true", "yes", "1"}


def outcomes(y: NDArray[Any]) -> list[Outcome]:
    """Return truth, or predictions, (rows,) or (rows, targets), as JSON holds them: as tuples."""
    if y.ndim == 1:
        return list(y.tolist())
    return list(map(tuple, (y if y.dtype.kind == "f" else y.astype(bool)).tolist()))


def by_name(spec: ModelSpec, y: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the values (rows,) of each target of y."""
    if y.ndim == 1:
        return {spec.targets[0]: y}
    values = y.astype(bool) if spec.labels else y
    return dict(zip(spec.targets, values.T, strict=True))


def variety(spec: ModelSpec, y: NDArray[Any]) -> list[int]:
    """Return how many classes each target of y, (rows,) or (rows, labels), has to be learned."""
    if spec.task != "classification":
        return []
    return [len(set(values.tolist())) for values in by_name(spec, y).values()]


def strata(y: NDArray[Any], least: int) -> NDArray[Any]:
    """Return what a split into parts of each class the same share goes by, as (rows,).

    That is y itself or, of labels, which of them a row has; rows whose labels fewer than `least`
    have are one stratum, or part of the largest where they are too few for that as well.
    """
    if y.ndim == 1:
        return y
    _, codes, sizes = np.unique(y, axis=0, return_inverse=True, return_counts=True)
    codes = codes.ravel()
    rare = sizes[codes] < least
    codes[rare] = -1 if rare.sum() >= least else np.argmax(sizes)
    return codes


def label_values(spec: ModelSpec, name: str, words: Sequence[str]) -> NDArray[np.int64]:
    """Return the words (words,) of a label as 1 and 0; raise ModelError for a word of no label."""
    plain = [word.removesuffix(".0").casefold() for word in words]
    if not any({*plain} <= pair for pair in WORDS):
        where = f"{spec.data.source}: column {name!r}"
        expected = (
            "true or false, yes or no, or 1 or 0, as each of several targets of a classification is"
        )
        cure = "A target of more classes needs a model of its own."
        strange = sorted({*words} - {word for word in words if word.casefold() in TRUE})
        raise ModelError(where, expected, " and ".join(map(repr, strange[:3])), cure)
    return np.array([word in TRUE for word in plain], dtype=np.int64)
