"""Read the gate's report from `dist` in a later stage, which may run in another job."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from contract import bundle
from contract.errors import ModelError
from contract.spec import model_toml
from contract.spec.gate import Policy
from judge.render.sentences import worded
from judge.report import NAME, Check, ImageCheck, Report, Verdict
from ship.build.workspace import REPORTS, Workspace
from ship.errors import StageError
from ship.files import digest
from ship.files.bounded import read_file
from ship.files.typed import read

REPORT = f"{NAME}.json"


def read_policy(model: str) -> Policy:
    """Return the rules of the model's gate; raise StageError if model.toml is wrong."""
    try:
        return model_toml.read(model, data_here=False).gate
    except ModelError as error:
        raise StageError(str(error)) from error


def read_passed_report(workspace: Workspace) -> Report:
    """Return the gate's report on the bundle in `dist`, after checking that the model passed.

    Raises StageError for a report that is absent, on another bundle, of a model that failed, or
    not the one that REPORTS_DIGEST names; BundleError for a bundle that was changed since.
    """
    file = workspace.folder / REPORT
    cure = f"Run: make gate MODEL={workspace.model}"
    if not file.exists():
        raise StageError(f"{workspace.bundle} must be judged first. {file} is not there. {cure}")
    refuse_other_reports(workspace)
    report = read_report(file)
    if report.bundle != (current := workspace.bundle_digest):
        raise StageError(f"{file} must be on the bundle in {workspace.bundle}, {current}. "
                         f"Got one on {report.bundle} instead. {cure}")  # fmt: skip
    bundle.read(workspace.bundle)  # which holds every other file against the manifest
    enforce(report.verdict, report.checks)
    return report


def reports_digest(workspace: Workspace) -> str:
    """Return one digest of the report in all of its formats, for other jobs to know it by."""
    files = {name: digest.of(read_file(workspace.folder / name)) for name in REPORTS}
    return digest.of(msgspec.json.encode(files, order="sorted"))


def refuse_other_reports(workspace: Workspace) -> None:
    """Raise StageError where REPORTS_DIGEST says that the job that judged wrote other reports."""
    expected = os.environ.get("REPORTS_DIGEST")
    if expected and (got := reports_digest(workspace)) != expected:
        raise StageError(f"The reports in {workspace.folder} must be those that were handed on, "
                         f"{expected}. Got {got} instead; train and judge again.")  # fmt: skip


def read_report(file: Path) -> Report:
    """Read the report in `file`, on any model; raise StageError for anything else."""
    return read(file, Report, "gate image measure")


def enforce(verdict: Verdict, checks: Iterable[Check | ImageCheck]) -> None:
    """Raise StageError, with the failed checks, where the verdict keeps a model from publishing."""
    if verdict == "failed":
        failed = [worded(check) for check in checks if not check.passed]
        raise StageError(
            "\n".join(f"{c.what} must be {c.rule}. Got {c.found} instead." for c in failed)
        )
