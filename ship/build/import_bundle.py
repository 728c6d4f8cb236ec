"""Import a bundle that was trained elsewhere: its model is asked and judged here.

Where the data cannot be had, the bundle's own metrics are kept and marked as a claim.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from contract import bundle, claims
from contract.bundle import HOLDOUT, Manifest
from contract.claims import Claims
from contract.errors import ModelError
from contract.evaluation.evaluation import beside
from contract.evaluation.evaluation import read as read_evaluation
from contract.spec import model_toml
from contract.spec.model_toml import ModelSpec
from ship.build.build import absent_data, train
from ship.build.bundle_intake import take
from ship.build.workspace import Workspace
from ship.errors import StageError


def import_bundle(workspace: Workspace, source: Path) -> None:
    """Take the bundle in `source` in place of training; on an error, replace nothing.

    Raises BundleError or StageError for a bundle that cannot be taken.
    """
    workspace.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workspace.folder, prefix=".import-") as folder:
        taken, export = Path(folder, "bundle"), Path(folder, "export")
        manifest = take(source, taken, evaluated=(beside(source) / HOLDOUT).exists())
        wanted = refuse_another(workspace, manifest)
        if reason := absent_data(workspace):
            print(f"  the data is not at hand ({reason}): what BUNDLE says of itself is a claim")
            take(source, taken)
            mark_as_claimed(taken)
            take(taken, workspace.bundle)
        else:
            write_export(taken, manifest, export, wanted.gate.headline)
            train(workspace, export=export)


def refuse_another(workspace: Workspace, manifest: Manifest) -> ModelSpec:
    """Return what the bundle must be of.

    Raises StageError for a bundle of another model, task, target, weights, inputs or split.
    """
    if manifest.name != workspace.model:
        raise StageError(
            f"BUNDLE must be a bundle of {workspace.model}. Got one of {manifest.name} instead."
        )
    try:
        wanted = model_toml.read(workspace.model, data_here=False)
    except ModelError as error:
        raise StageError(str(error)) from error
    kinds = {column.name: column.kind for column in manifest.inputs}
    for what, expected, got in (
        ("task", wanted.task, manifest.task),
        ("target", wanted.target, manifest.target),
        ("sample_weight", wanted.sample_weight, manifest.sample_weight),
        ("inputs", wanted.inputs, kinds),
        ("split", wanted.split, manifest.split),
    ):
        if expected != got:
            raise StageError(
                f"BUNDLE must have been trained as {wanted.file} says, {what} {expected!r}: else "
                "it may know rows that are held out, or its figures be others. Got "
                f"{got!r} instead. Train it again."
            )
    return wanted


def write_export(taken: Path, manifest: Manifest, export: Path, metric: str) -> None:
    """Write what training would have exported: the model, and what is claimed about it.

    The scores of other random seeds are left out, as they cannot be measured without the fits; so
    is a learning curve of another metric than `metric`.
    """
    study = read_evaluation(bundle.read(taken)).study if beside(taken).is_dir() else None
    threshold = manifest.serving.threshold
    claimed = Claims(
        data_sha256=manifest.data.sha256,
        estimator=manifest.estimator,
        runtime=manifest.runtime,
        runtime_reason=manifest.runtime_reason,
        parity=manifest.parity,
        classes=manifest.classes,
        cross_validation=manifest.metrics.cross_validation,
        learning=study.learning if study and study.metric == metric else [],
        seeds=0,
        coded=manifest.coded,
        libraries=manifest.libraries,
        threshold=threshold if isinstance(threshold, float) else None,
    )
    model = bundle.read_file(taken / bundle.MODEL_FILES[manifest.runtime])
    claims.write(claimed, [model], export)


def mark_as_claimed(taken: Path) -> None:
    """Write into the manifest that its metrics are claims, as nothing here measured the model."""
    read = bundle.read(taken)
    files = {name: bundle.read_file(taken / name) for name in read.manifest.files}
    read.manifest.evaluation = "claimed"
    read.manifest.metrics.seed_scores = []
    bundle.write(taken, read.manifest, files)
