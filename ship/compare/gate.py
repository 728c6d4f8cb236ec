"""The gate: judge the bundle in `dist` against the published model, and write the report there.

It is judged once. Later stages, also in other jobs, read the report, whatever is published by then.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from contract import bundle, models
from contract.bundle import BundleError
from contract.console import one_line
from judge.judge import judge
from judge.render.card import card
from judge.render.formats import formats
from judge.report import NAME, Report
from ship import git
from ship.build.inputs import hash_of, named
from ship.build.workspace import CARD, REPORTS, Workspace
from ship.compare import own_scores
from ship.compare.gate_report import REPORT, read_policy, read_report, reports_digest
from ship.compare.published_answers import as_published
from ship.compare.published_model import (
    LONGEST_REASON,
    PublishedImage,
    Unreadable,
    fetch,
    newest,
)
from ship.errors import ShipError, StageError
from ship.files import digest
from ship.files.bounded import read_file
from ship.files.replace import remove, replace_file
from ship.host.runner import lacks_secrets
from ship.registry.destination import destination

# What judges a bundle, beside its rules in model.toml.
JUDGING = ("judge", "contract", "ship/compare", "requirements-pipeline.txt")

UNREAD = (
    "What is published at {target} cannot be read here, as GitHub gives the pull requests of forks "
    "and of Dependabot no secrets; the merge queue compares, or main after the merge ({reason})"
)


def judge_bundle(workspace: Workspace, *, cache: bool = False) -> Report:
    """Judge the bundle of a model; write the report on it in each of its formats, and its card.

    With `cache`, what was judged before by the same rules, beside the same image, is read again.
    """
    record = workspace.folder / "gate.key"
    if cache and is_judged(workspace, record):
        print("  judged before, by the same rules and beside the same image", flush=True)
        return read_report(workspace.folder / REPORT)
    remove(record)
    for name in (*REPORTS, CARD):
        remove(workspace.folder / name)  # on an earlier bundle, whatever becomes of this one
    new = bundle.read(workspace.bundle)
    old, absent = published(workspace)
    policy = read_policy(workspace.model)
    try:
        answer = partial(own_scores.score, workspace, policy)
        published_model = as_published(old) if old else None
        judgement = judge(new, published_model, policy, absent=absent, answer=answer)
    finally:
        if old:
            old.remove()
    report = judgement.report
    report.bundle = workspace.bundle_digest
    for ending, content in formats(judgement).items():
        replace_file(workspace.folder / f"{NAME}.{ending}", content)
    notes = bundle.read_notes(workspace.bundle)
    replace_file(workspace.folder / CARD, card(new.manifest, notes, report.segments))
    if cache:
        compared = report.old.digest if report.old else None
        replace_file(record, basis(workspace, compared))
    return report


def is_judged(workspace: Workspace, record: Path) -> bool:
    """Return whether the reports are, byte for byte, those of the same judgement as one now."""
    target = destination(workspace.model, workspace.dist)
    tag = newest(target, workspace.model)
    published = target.resolve(tag) if tag else None
    try:
        return record.read_bytes() == basis(workspace, published)
    except (ShipError, BundleError, OSError):
        return False


def basis(workspace: Workspace, published: str | None) -> bytes:
    """Return the digests of all that a judgement follows from, and of what was written of it.

    `published` is the digest of the image that is compared with. Raises ShipError or BundleError
    where something of it is absent.
    """
    files = [models.root() / workspace.model / models.SPEC, workspace.folder / CARD]
    parts = [
        workspace.bundle_digest,
        str(destination(workspace.model, workspace.dist)),
        str(published),
        hash_of(named(git.TOOL, *JUDGING)),
        reports_digest(workspace),
        *(digest.of(read_file(file)) for file in files),
    ]
    return "\n".join(parts).encode()


def published(workspace: Workspace) -> tuple[PublishedImage | None, str]:
    """Return the published model, or why there is none to compare with.

    Raises StageError for a registry that cannot be read. For a pull request that has no way to log
    in, that is a reason not to compare: the merge queue, or main, does.
    """
    target = destination(workspace.model, workspace.dist)
    try:
        tag = newest(target, workspace.model)
        if tag is None:
            return None, f"Nothing is published at {target} yet"
        return fetch(target, workspace.model, tag, workspace.published_folder), ""
    except Unreadable as error:
        return None, str(error)
    except StageError as error:
        if not lacks_secrets():
            raise
        return None, UNREAD.format(target=target, reason=one_line(str(error))[:LONGEST_REASON])
