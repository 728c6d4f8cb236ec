"""What one image has passed, written down beside it: nothing else may be published.

The record belongs to one digest. Each stage writes its own part, with the hashes of the files that
it made; of another image, or of files that have changed since, a record counts for nothing.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from judge.found import NAME, Report
from model.bundle import Manifest
from ship import digest
from ship.changed import LABEL as INPUTS
from ship.errors import ShipError, StageError
from ship.index import bundle_of
from ship.oci import Archive, decoded
from ship.plan import plan
from ship.sbom import refuse_foreign
from ship.scan import REPORT as SCAN
from ship.scan import SBOMS
from ship.smoke import tests_hash

FILE = "tested.json"
MODEL = "model-images.model"
REPORT = f"{NAME}.json"
LIMIT = 64 * 2**20  # bytes of a report or an SBOM
Digest = Annotated[str, msgspec.Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]
Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z]+(\.[a-z]+)+\Z")]
Files = dict[Name, Digest]


class Verdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the gate made of the bundle in the image, and the report that says why."""

    verdict: Literal["passed", "accepted"]
    bundle: Digest  # of its manifest, which has the hash of every other file
    reports: Files


class Measurement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the image's size and speed were held against; None where nothing was published."""

    against: Digest | None


class Scan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What Trivy wrote of the image, and whether it knew any vulnerability."""

    files: Files
    database: bool


class Smoke(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tests passed against a container of the image, and how many."""

    tests: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    passed: Annotated[int, msgspec.Meta(ge=1)]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that the image of one digest has passed."""

    digest: Digest
    verdict: Verdict | None = None
    measure: Measurement | None = None
    scan: Scan | None = None
    smoke: Smoke | None = None


def read(archive: Archive) -> Record:
    """Return what an image has passed; nothing where the record is of another image."""
    file = archive.path.with_name(FILE)
    empty = Record(digest=archive.digest)
    if not file.exists():
        return empty
    try:
        found = msgspec.json.decode(bounded(file), type=Record)
    except msgspec.MsgspecError as error:
        raise StageError(
            f"{file} must be a record of this revision. Got instead: {error}. "
            "Remove it and test again: make image measure scan smoke"
        ) from error
    return found if found.digest == archive.digest else empty


def record(archive: Archive, **parts: Verdict | Measurement | Scan | Smoke) -> None:
    """Write down that an image has passed; what was written of another image is forgotten."""
    file = archive.path.with_name(FILE)
    try:
        before = read(archive)
    except StageError:
        before = Record(digest=archive.digest)
    partial = file.with_name(f".{FILE}.{os.getpid()}.{threading.get_ident()}")
    changed = msgspec.structs.replace(before, **parts)
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(changed), indent=2) + b"\n")
    partial.rename(file)


def record_verdict(archive: Archive, report: Report, against: str | None) -> None:
    """Write down what the gate made of an image, and by which reports."""
    names = [file.name for file in sorted(archive.path.parent.glob(f"{NAME}.*"))]
    verdict = Verdict(
        verdict="accepted" if report.verdict == "accepted" else "passed",
        bundle=digest.of(bundle_of(archive)),
        reports=hashes(archive, names),
    )
    record(archive, verdict=verdict, measure=Measurement(against=against))


def record_scan(archive: Archive, *, database: bool) -> None:
    files = hashes(archive, [SCAN, *SBOMS.values()])
    record(archive, scan=Scan(files=files, database=database))


def hashes(archive: Archive, names: list[str]) -> Files:
    return {name: digest.of(bounded(archive.path.with_name(name))) for name in names}


def refuse_untested(archive: Archive, model: str) -> None:
    """Raise StageError for an image that is not this model's, of this checkout, and tested so."""
    refuse_label(archive, MODEL, model, model)
    refuse_label(archive, INPUTS, plan(model).image.hash, model)
    found = read(archive)
    for stage in ("measure", "scan", "smoke"):
        if getattr(found, stage) is None or (stage == "measure" and found.verdict is None):
            raise untested(archive, f"must have passed its {stage}. It has not", stage, model)
    refuse_verdict(archive, found, model)
    refuse_scan(archive, model)
    if found.smoke and found.smoke.tests != tests_hash():
        raise untested(archive, "must have passed the smoke tests of this checkout. "
                       "It has passed others", "smoke", model)  # fmt: skip


def refuse_label(archive: Archive, label: str, wanted: str, model: str) -> None:
    found = archive.labels.get(label)
    if found != wanted:
        raise untested(archive, f"must be labelled {label}={wanted}. Got {str(found)[:100]!r} "
                       "instead: it was made of something else", "image", model)  # fmt: skip


def refuse_verdict(archive: Archive, found: Record, model: str) -> None:
    """Hold the report against its hash, and the report's verdict against the record's."""
    wanted = found.verdict
    report = read_report(bounded(archive.path.with_name(REPORT)), archive)
    if report.verdict == "failed":
        raise untested(archive, "must have passed its gate. Its report says failed",
                       "gate measure", model)  # fmt: skip
    report = read_report(evidence(archive, REPORT, model), archive)
    if report.model != model:
        raise untested(archive, f"must have a report on {model}. Got one on {report.model} instead",
                       "measure", model)  # fmt: skip
    if wanted is None or report.verdict != wanted.verdict:
        raise untested(archive, f"must have passed its gate. Its report says {report.verdict}",
                       "gate measure", model)  # fmt: skip
    content = bundle_of(archive)
    if digest.of(content) != wanted.bundle:
        raise untested(archive, "must hold the bundle that was judged. It holds another",
                       "measure", model)  # fmt: skip
    if (name := read_manifest(content, archive).name) != model:
        raise untested(archive, f"must hold a bundle of {model}. Got one of {name} instead",
                       "image", model)  # fmt: skip


def refuse_scan(archive: Archive, model: str) -> None:
    """Hold what Trivy wrote against its hashes, and what it says it is about against the image."""
    for name in (SCAN, *SBOMS.values()):
        refuse_foreign(decoded(evidence(archive, name, model), name), name, archive)


def evidence(archive: Archive, name: str, model: str = "…") -> bytes:
    """Return a file that a stage wrote beside the image; raise StageError where it has changed."""
    found = read(archive)
    known = {
        **(found.verdict.reports if found.verdict else {}),
        **(found.scan.files if found.scan else {}),
    }
    stage = "scan" if name in (SCAN, *SBOMS.values()) else "measure"
    if name not in known:
        raise untested(archive, f"must have {name} recorded. It has not", stage, model)
    file = archive.path.with_name(name)
    content = bounded(file)
    if (got := digest.of(content)) != known[name]:
        raise untested(archive, f"must have a {name} of {known[name]}, as it was recorded. "
                       f"Got {got} instead", stage, model)  # fmt: skip
    return content


def reports(archive: Archive) -> list[str]:
    """Return the names of the files that say what the gate made of an image."""
    found = read(archive).verdict
    return sorted(found.reports) if found else []


def untested(archive: Archive, what: str, stage: str, model: str) -> StageError:
    return StageError(f"{archive.path} {what}. Run: make {stage} MODEL={model}")


def read_manifest(content: bytes, archive: Archive) -> Manifest:
    try:
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise StageError(
            f"{archive.path} must hold a bundle of this revision. Got instead: {error}"
        ) from error


def read_report(content: bytes, archive: Archive) -> Report:
    try:
        return msgspec.json.decode(content, type=Report)
    except msgspec.MsgspecError as error:
        raise StageError(
            f"{archive.path.with_name(REPORT)} must be a report of this revision. "
            f"Got instead: {error}. Run: make measure"
        ) from error


def bounded(file: Path) -> bytes:
    """Read a small file of a stranger; a link, which may lead anywhere, is none."""
    try:
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as opened:
            content = opened.read(LIMIT + 1)
    except OSError as error:
        raise ShipError(f"{file} must be a readable file. Got instead: {error.strerror}") from error
    if len(content) > LIMIT:
        raise ShipError(f"{file} must be at most {LIMIT} bytes. Got more.")
    return content
