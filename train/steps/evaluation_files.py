"""Write what a model was judged by beside its bundle: the rows, and what is kept without them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
from msgspec.structs import replace

from contract import bundle
from contract.bundle import EVALUATION, HOLDOUT, Input, Manifest, Value
from contract.evaluation.evaluation import Evaluation, beside
from contract.evaluation.fingerprints import is_guessable, pack
from contract.evaluation.record import Record, record
from train.data.dataset import features
from train.data.split import Part
from train.data.targets import outcomes
from train.export import hard_rows

ROWS = 10_000  # as Python's objects at once, which take many times the memory of a table


class Parts(NamedTuple):
    """The rows that a model was trained on, and those that it is judged by."""

    train: Part
    holdout: Part


def write(out: Path, manifest: Manifest, evaluation: Evaluation, parts: Parts) -> None:
    """Write the files beside the bundle `out`, and what they are into its manifest."""
    folder = beside(out)
    (folder / EVALUATION).unlink(missing_ok=True)  # of an earlier training, which kept one
    kept = {HOLDOUT: holdout(evaluation)}
    if manifest.privacy.evaluation == "registry":
        kept[EVALUATION] = msgspec.json.encode(keep(evaluation, manifest, parts)) + b"\n"
    manifest.beside = bundle.write_files(folder, kept)


def holdout(evaluation: Evaluation) -> bytes:
    """Return the rows as JSON, a column encoded at a time: they are many as Python's objects."""
    encoded: dict[str, Any] = {
        name: msgspec.Raw(msgspec.json.encode(values))
        for name, values in evaluation.columns.items()
    }
    return msgspec.json.encode(replace(evaluation, columns=encoded)) + b"\n"


def keep(evaluation: Evaluation, manifest: Manifest, parts: Parts) -> Record:
    """Return what is kept of an evaluation for the next model to be compared with.

    The training rows are left out where they could be guessed, and where no later holdout of the
    same split has one of them: see `judge.comparison.eligible_rows`.
    """
    is_needed = manifest.split.method in ("random", "time")
    packed = trained(manifest, parts.train) if is_needed else b""
    return record(evaluation, manifest, packed, recurring(parts))


def trained(manifest: Manifest, train: Part) -> bytes:
    """Return the packed fingerprints of the training rows, none where they could be guessed."""
    truth, decimals = outcomes(train.y), [digits(field, train) for field in manifest.inputs]
    is_safe = not is_guessable(manifest.inputs, decimals, truth)
    return pack(rows(manifest, train), truth) if is_safe else b""


def digits(field: Input, train: Part) -> int:
    """Return how many decimals an input is written with, 0 for what is no number."""
    if field.kind != "numeric":
        return 0
    return hard_rows.decimals(train.X[field.name].dropna().to_numpy())


def rows(manifest: Manifest, part: Part) -> Iterator[dict[str, Value]]:
    """Yield rows by the names of their inputs."""
    kinds = {field.name: field.kind for field in manifest.inputs}
    for start in range(0, len(part.y), ROWS):
        yield from features(kinds, part.X.iloc[start : start + ROWS])


def recurring(parts: Parts) -> float:
    """Return the share of the held-out rows that equal a training row."""
    known, held = (
        np.bitwise_xor(
            *(
                pd.util.hash_pandas_object(table, index=False).to_numpy()
                for table in (part.X, pd.DataFrame(part.y))
            )
        )
        for part in parts
    )
    return float(pd.Series(held).isin(known).mean())  # by a hash table; NumPy sorts
