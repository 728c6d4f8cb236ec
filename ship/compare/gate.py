"""The gate: judge the bundle in `dist` against the published model, and write the report there.

It is judged once. Later stages, also in other jobs, read the report, whatever is published by then.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from contract import bundle
from contract.bundle import Bundle, Gate, Override
from contract.errors import ModelError
from contract.spec import model_toml
from contract.spec.gate import Policy
from judge.judge import judge, settle
from judge.render.card import card
from judge.render.formats import forms
from judge.report import NAME, Check, Report, Verdict
from ship.build.workspace import CARD, REPORTS, Workspace
from ship.compare.published_model import Baseline, Unreadable, fetch, newest
from ship.errors import StageError
from ship.files import digest
from ship.files.bounded import read_file
from ship.files.replace import new_folder, remove, replace_file
from ship.files.typed import read
from ship.registry.destination import destination

REPORT = f"{NAME}.json"


def judge_bundle(workspace: Workspace, override: str = "") -> Report:
    """Judge the bundle of a model; write the report on it in each of its forms, and its card.

    `override` is why a person accepts it although it fails; it is recorded in report and bundle.
    """
    for name in (*REPORTS, CARD):
        remove(workspace.folder / name)  # on an earlier bundle, whatever becomes of this one
    new = bundle.read(workspace.bundle)
    baseline, absent = published(workspace)
    policy = read_policy(workspace.model)
    try:
        judgement = judge(new, baseline.published() if baseline else None, policy, absent=absent)
    finally:
        if baseline:
            baseline.remove()
    report = settle(judgement.report, override)
    record_override(new, policy, report.override)
    report.bundle = workspace.bundle_digest
    for form, content in forms(judgement).items():
        replace_file(workspace.folder / f"{NAME}.{form}", content)
    notes = bundle.read_notes(workspace.bundle)
    replace_file(workspace.folder / CARD, card(new.manifest, notes, judgement.fresh))
    return report


def read_policy(model: str) -> Policy:
    """Return the rules of the model's gate; raise StageError if model.toml is wrong."""
    try:
        return model_toml.read(model, data_here=False).gate
    except ModelError as error:
        raise StageError(str(error)) from error


def published(workspace: Workspace) -> tuple[Baseline | None, str]:
    """Return the published model, or why there is none to compare with."""
    target = destination(workspace.model, workspace.dist)
    tag = newest(target, workspace.model)
    if tag is None:
        return None, f"Nothing is published at {target} yet"
    try:
        return fetch(target, workspace.model, tag, workspace.baseline), ""
    except Unreadable as error:
        return None, str(error)


def record_override(new: Bundle, policy: Policy, reason: str | None) -> None:
    """Write the reason into the manifest, or remove that of an earlier run.

    The bundle is written anew beside the old one, so that nothing is read or written through a
    link, and files that the manifest does not list are dropped.
    """
    gate = new.manifest.gate
    before = gate.override
    if (before and before.reason) == reason:
        return
    order = [bound.metric for bound in policy.rules.bounds]
    checks = [*gate.checks, *(before.accepted if before else [])]
    checks.sort(key=lambda check: order.index(check.metric) if check.metric in order else -1)
    failed = [check for check in checks if not check.passed]
    if reason:
        checks = [check for check in checks if check.passed]
        new.manifest.gate = Gate(
            passed=True, checks=checks, override=Override(reason=reason, accepted=failed)
        )
    else:
        new.manifest.gate = Gate(passed=not failed, checks=checks)
    files = {name: bundle.read_file(new.path / name) for name in new.manifest.files}
    with new_folder(new.path) as folder:
        bundle.write(folder, new.manifest, files)


def read_judged(workspace: Workspace) -> Report:
    """Return the report on the bundle, which has passed its gate and is what it was then.

    Raises StageError for a report that is absent, of another bundle, of a model that failed, or not
    the one whose digest the job that judged handed on; BundleError for a bundle that was changed.
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
    """Return one digest of the report in all of its forms, for other jobs to know it by."""
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


def enforce(verdict: Verdict, checks: Iterable[Check]) -> None:
    """Raise StageError, with the failed checks, where the verdict keeps a model from publishing."""
    if verdict == "failed":
        failed = [check for check in checks if not check.passed]
        raise StageError(
            "\n".join(f"{c.name} must be {c.rule}. Got {c.found} instead." for c in failed)
        )
