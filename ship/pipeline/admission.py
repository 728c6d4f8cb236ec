"""Whether an image may be published: of this model, of this checkout, and tested as it is.

Nothing here is believed for its place or its name. What the labels say is held against the
checkout; what the record says, against the files beside the image and the bundle inside it.
"""

from __future__ import annotations

import msgspec

from contract.bundle import Manifest
from judge.report import NAME, Report
from ship.build.inputs import plan
from ship.errors import StageError
from ship.files import digest
from ship.files.bounded import read_file
from ship.files.descriptor import decoded
from ship.pipeline.changed_models import LABEL as INPUTS
from ship.pipeline.smoke import tests_hash
from ship.registry.image_index import bundle_of
from ship.registry.oci_archive import Archive
from ship.supply_chain import passed_tests
from ship.supply_chain.identity import MODEL
from ship.supply_chain.passed_tests import evidence, untested
from ship.supply_chain.sbom import refuse_foreign

REPORT = f"{NAME}.json"


def refuse_untested(archive: Archive, model: str) -> None:
    """Raise StageError for an image that is not this model's, of this checkout, and tested so."""
    refuse_label(archive, MODEL, model, model)
    refuse_label(archive, INPUTS, plan(model).image.hash, model)
    found = passed_tests.read(archive)
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


def refuse_verdict(archive: Archive, found: passed_tests.Record, model: str) -> None:
    """Hold the report against its hash, and the report's verdict against the record's."""
    wanted = found.verdict
    report = read_report(read_file(archive.path.with_name(REPORT)), archive)
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
                       "image measure", model)  # fmt: skip
    if (name := read_manifest(content, archive).name) != model:
        raise untested(archive, f"must hold a bundle of {model}. Got one of {name} instead",
                       "image", model)  # fmt: skip


def refuse_scan(archive: Archive, model: str) -> None:
    """Hold what Trivy wrote against its hashes, and what it says it is about against the image."""
    for name in passed_tests.SCANS:
        refuse_foreign(decoded(evidence(archive, name, model), name), name, archive)


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
