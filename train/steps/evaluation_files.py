"""Write what a model was judged by beside its bundle: the rows, and what is kept without them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from contract import bundle
from contract.bundle import EVALUATION, HOLDOUT, Manifest
from contract.evaluation.evaluation import Evaluation, beside
from contract.evaluation.fingerprints import is_guessable, known, pack
from contract.evaluation.record import Record, record
from train.data.dataset import features
from train.data.split import Part
from train.export.hard_rows import decimals


def write(out: Path, manifest: Manifest, evaluation: Evaluation, train: Part) -> None:
    """Write the files beside the bundle `out`, and what they are into its manifest."""
    folder = beside(out)
    (folder / EVALUATION).unlink(missing_ok=True)  # of an earlier training, which kept one
    kept: dict[str, Evaluation | Record] = {HOLDOUT: evaluation}
    if manifest.privacy.evaluation == "registry":
        kept[EVALUATION] = keep(evaluation, manifest, train)
    manifest.beside = bundle.write_files(
        folder, {name: msgspec.json.encode(content) + b"\n" for name, content in kept.items()}
    )


def keep(evaluation: Evaluation, manifest: Manifest, train: Part) -> Record:
    """Return what is kept of an evaluation for the next model to be compared with.

    The training rows are left out where they could be guessed, and where no later holdout of the
    same split has one of them: see `judge.comparison.eligible_rows`.
    """
    kinds = {field.name: field.kind for field in manifest.inputs}
    rows, truth = features(kinds, train.X), train.y.tolist()
    packed = pack(rows, truth)
    recurring = float(known(packed, evaluation.features, evaluation.truth).mean())
    digits = [
        decimals(train.X[field.name].dropna().to_numpy()) if field.kind == "numeric" else 0
        for field in manifest.inputs
    ]
    is_needed = manifest.split.method in ("random", "time")
    is_safe = is_needed and not is_guessable(manifest.inputs, digits, truth)
    return record(evaluation, manifest, packed if is_safe else b"", recurring)
