"""The gate: judge the bundle in `dist` against the published model, and leave the report there."""

from __future__ import annotations

from dataclasses import dataclass

from contract import bundle
from contract.bundle import Bundle, Gate, Override
from contract.errors import ModelError
from contract.spec import model_toml
from contract.spec.gate import Policy
from judge.card import CARD, accepted
from judge.judge import Judgement, judge, settle
from judge.render.formats import forms
from judge.report import NAME, Report
from ship.build.build import Build
from ship.compare.measure import measure
from ship.compare.published_model import Baseline, Unreadable, fetch, newest
from ship.errors import StageError
from ship.files.replace import new_folder, replace_file
from ship.registry.destination import destination


@dataclass
class Judged:
    """The judgement on one model, and the published image it was compared with."""

    judgement: Judgement
    baseline: Baseline | None

    @property
    def report(self) -> Report:
        return self.judgement.report


def judge_build(build: Build, reason: str = "") -> Judged:
    """Judge the bundle of a build; `reason` accepts it although it fails, and is recorded in it."""
    new = bundle.read(build.bundle)
    baseline, absent = published(build)
    policy = read_policy(build.model)
    try:
        judgement = judge(new, baseline.published() if baseline else None, policy, absent=absent)
    finally:
        if baseline:
            baseline.remove()
    settle(judgement.report, reason)
    record(new, policy, judgement.report.override)
    write(build, judgement)
    return Judged(judgement, baseline)


def measure_build(build: Build, judged: Judged, reason: str = "") -> bool:
    """Add the image's size and speed to the report; True where the manifest took a reason."""
    report, before = judged.report, judged.report.override
    policy = read_policy(build.model)
    try:
        report.checks += measure(build, judged.baseline, policy.image)
    finally:
        if judged.baseline:
            judged.baseline.remove()
    settle(report, reason)
    record(bundle.read(build.bundle), policy, report.override)
    write(build, judged.judgement)
    return report.override != before


def read_policy(model: str) -> Policy:
    try:
        return model_toml.read(model, data_here=False).gate
    except ModelError as error:
        raise StageError(str(error)) from error


def published(build: Build) -> tuple[Baseline | None, str]:
    """Return the published model, or why there is none to compare with."""
    target = destination(build.model, build.dist)
    tag = newest(target, build.model)
    if tag is None:
        return None, f"Nothing is published at {target} yet"
    try:
        return fetch(target, build.model, tag, build.folder / "published"), ""
    except Unreadable as error:
        return None, str(error)


def record(new: Bundle, policy: Policy, reason: str | None) -> None:
    """Write the reason into the manifest, or take one of an earlier run out again.

    The bundle is written anew beside the old one: nothing is read or written through a link, and
    what the manifest does not list is left behind.
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
    if CARD in files:
        files[CARD] = accepted(files[CARD].decode(), reason).encode()
    with new_folder(new.path) as folder:
        bundle.write(folder, new.manifest, files)


def write(build: Build, judgement: Judgement) -> None:
    """Write the report in each of its forms."""
    for form, content in forms(judgement).items():
        replace_file(build.folder / f"{NAME}.{form}", content)


def enforce(report: Report) -> None:
    """Raise StageError where the verdict keeps the model from being published."""
    if report.verdict == "failed":
        failed = [check for check in report.checks if not check.passed]
        raise StageError(
            "\n".join(f"{c.name} must be {c.rule}. Got {c.found} instead." for c in failed)
        )
