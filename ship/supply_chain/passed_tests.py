"""The record of what an image has passed, without which it is not published.

The record is about one digest. Each stage writes its own part, with the hashes of the files that it
made. For another image, or for files that have changed since, a record counts for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from contract.bundle import MANIFEST
from judge.report import Report
from ship.build.workspace import MEASUREMENT, PASSED_TESTS, REPORTS, SCANS, ReportName, ScanName
from ship.errors import ShipError, StageError
from ship.files import digest, typed
from ship.files.bounded import read_file
from ship.files.replace import replace_file
from ship.registry import image_files
from ship.registry.oci_archive import Archive

Digest = Annotated[str, msgspec.Meta(pattern=r"\Asha256:[0-9a-f]{64}\Z")]
Hash = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Accepted = Literal["passed", "accepted"]
Name = TypeVar("Name", bound=str)


class RecordedVerdict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gate's verdict on the bundle in the image, and the hashes of the report."""

    verdict: Accepted
    bundle: Digest  # of its manifest, which has the hash of every other file
    reports: dict[ReportName, Digest]


class Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The verdict on the image's size and speed, and the hash of the measurement."""

    verdict: Accepted
    file: Digest


class Scan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The files that Trivy wrote about the image, and whether it had a vulnerability database.

    `scanner` is the hash of what scanned it: see `ship.supply_chain.scan.Scanner`. `counts` are of
    its findings by severity, those of the Dockerfile included.
    """

    files: dict[ScanName, Digest]
    scanner: Hash
    database: bool
    counts: dict[str, int]


class Smoke(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tests passed against a container of the image, and how many."""

    tests: Hash
    passed: Annotated[int, msgspec.Meta(ge=1)]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that the image of one digest has passed."""

    digest: Digest
    verdict: RecordedVerdict | None = None
    measure: Measured | None = None
    scan: Scan | None = None
    smoke: Smoke | None = None

    @property
    def is_complete(self) -> bool:
        """Whether the image has passed every test."""
        return None not in (self.verdict, self.measure, self.scan, self.smoke)


def read(archive: Archive) -> Record:
    """Return what an image has passed, nothing if the record is about another image.

    Raises StageError for a record that this revision cannot read.
    """
    file = archive.path.with_name(PASSED_TESTS)
    empty = Record(digest=archive.digest)
    if not file.exists():
        return empty
    stored = typed.read(file, Record, "image measure scan smoke")
    return stored if stored.digest == archive.digest else empty


def record(archive: Archive, **parts: RecordedVerdict | Measured | Scan | Smoke) -> None:
    """Add parts to the record of an image; a record about another image is replaced."""
    file = archive.path.with_name(PASSED_TESTS)
    try:
        before = read(archive)
    except StageError:
        before = Record(digest=archive.digest)
    changed = msgspec.structs.replace(before, **parts)
    replace_file(file, msgspec.json.format(msgspec.json.encode(changed), indent=2) + b"\n")


def record_verdict(archive: Archive, judged: Path, report: Report) -> None:
    """Record the gate's verdict on the bundle in `judged`.

    Raises StageError if the image holds another bundle.
    """
    bundle = digest.of(read_file(judged / MANIFEST))
    if digest.of(manifest_of(archive)) != bundle:
        raise untested(archive, f"must hold the bundle that was judged, {bundle}. "
                       "It was built around another", "image measure", report.model)  # fmt: skip
    verdict = RecordedVerdict(
        verdict=accepted(report.verdict), bundle=bundle, reports=hashes(archive, REPORTS)
    )
    record(archive, verdict=verdict)


def manifest_of(archive: Archive) -> bytes:
    """Return the manifest of the bundle in an image, b"" for none; it has all its files' hashes."""
    return image_files.bundle(archive.blob, archive.digest).get(MANIFEST, b"")


def record_measurement(archive: Archive, verdict: str) -> None:
    """Record that an image's size and speed passed, or were accepted."""
    [file] = hashes(archive, [MEASUREMENT]).values()
    record(archive, measure=Measured(verdict=accepted(verdict), file=file))


def accepted(verdict: str) -> Accepted:
    """Return a verdict other than failed."""
    return "accepted" if verdict == "accepted" else "passed"


def record_scan(archive: Archive, counts: dict[str, int], *, scanner: str, database: bool) -> None:
    """Record a scan that found nothing that keeps the image from being published."""
    files = hashes(archive, SCANS)
    record(archive, scan=Scan(files=files, scanner=scanner, database=database, counts=counts))


def was_scanned(archive: Archive, scanner: str, *, database: bool) -> bool:
    """Return whether these bytes passed this scanner before, and its files are unchanged.

    A scan that could not look for vulnerabilities does not stand for one that can: `database`.
    """
    scan = read(archive).scan
    if scan is None or scan.scanner != scanner or scan.database < database:
        return False
    try:
        return hashes(archive, SCANS) == scan.files
    except (ShipError, OSError):
        return False


def hashes(archive: Archive, names: Sequence[Name]) -> dict[Name, str]:
    """Return the hash of each of the files beside an image."""
    return {name: digest.of(read_file(archive.path.with_name(name))) for name in names}


def files_of(record: Record) -> dict[str, str]:
    """Return the hash of each recorded file, by its name."""
    reports = record.verdict.reports.items() if record.verdict else ()
    measured = [(MEASUREMENT, record.measure.file)] if record.measure else ()
    scans = record.scan.files.items() if record.scan else ()
    return dict([*reports, *measured, *scans])


def evidence(archive: Archive, name: str, model: str = "…") -> bytes:
    """Return a file beside the image; raise StageError if it is not recorded, or has changed."""
    known = files_of(read(archive))
    stage = "scan" if name in SCANS else "measure"
    if name not in known:
        raise untested(archive, f"must have {name} recorded. It has not", stage, model)
    file = archive.path.with_name(name)
    content = read_file(file)
    if (got := digest.of(content)) != known[name]:
        raise untested(archive, f"must have a {name} of {known[name]}, as it was recorded. "
                       f"Got {got} instead", stage, model)  # fmt: skip
    return content


def reports(archive: Archive) -> list[str]:
    """Return the names of the recorded files about gate and measurement."""
    return sorted({*REPORTS, MEASUREMENT} & set(files_of(read(archive))))


def untested(archive: Archive, what: str, stage: str, model: str) -> StageError:
    """Return the error for an image that has not passed what it must."""
    return StageError(f"{archive.path} {what}. Run: make {stage} MODEL={model}")
