"""Decide whether an image may be published: of this model and checkout, and tested as it is.

Nothing is trusted because of its path or name. The labels are checked against the checkout, and the
record of the tests against the files beside the image and the bundle inside it.
"""

from __future__ import annotations

import msgspec

from contract.bundle import Manifest
from judge.report import Report
from ship.build.inputs import plan
from ship.build.workspace import MEASUREMENT, SCANS
from ship.compare.gate_report import REPORT, read_report
from ship.compare.measure import Measurement
from ship.errors import StageError
from ship.files import digest
from ship.files.bounded import decoded
from ship.files.typed import decode
from ship.pipeline.smoke import tests_hash
from ship.registry.labels import INPUTS, MODEL
from ship.registry.oci_archive import Archive
from ship.supply_chain import passed_tests
from ship.supply_chain.passed_tests import evidence, manifest_of, untested
from ship.supply_chain.sbom import refuse_foreign


def refuse_untested(archive: Archive, model: str) -> None:
    """Raise StageError unless the image is of this model and checkout, and passed every test."""
    refuse_label(archive, MODEL, model, model)
    refuse_label(archive, INPUTS, plan(model).image.hash, model)
    record = passed_tests.read(archive)
    for stage in ("measure", "scan", "smoke"):
        if getattr(record, stage) is None or (stage == "measure" and record.verdict is None):
            raise untested(archive, f"must have passed its {stage}. It has not", stage, model)
    refuse_measurement(archive, refuse_verdict(archive, record, model), model)
    refuse_scan(archive, model)
    if record.smoke and record.smoke.tests != tests_hash():
        raise untested(archive, "must have passed the smoke tests of this checkout. "
                       "It has passed others", "smoke", model)  # fmt: skip


def refuse_label(archive: Archive, label: str, wanted: str, model: str) -> None:
    """Raise StageError unless a label of the image has the wanted value."""
    value = archive.labels.get(label)
    if value != wanted:
        raise untested(archive, f"must be labelled {label}={wanted}. Got {str(value)[:100]!r} "
                       "instead: it was made of something else", "image", model)  # fmt: skip


def refuse_verdict(archive: Archive, record: passed_tests.Record, model: str) -> Report:
    """Check the report by its hash, its verdict by the record, and its bundle by the image.

    Returns the report; raises StageError if it is on another bundle, or one that failed.
    """
    file = archive.path.with_name(REPORT)
    if read_report(file).verdict == "failed":
        raise untested(archive, "must have passed its gate. Its report says failed",
                       "gate measure", model)  # fmt: skip
    report = decode(evidence(archive, REPORT, model), Report, file, "gate image measure")
    if report.model != model:
        raise untested(archive, f"must have a report on {model}. Got one on {report.model} instead",
                       "measure", model)  # fmt: skip
    if record.verdict is None or report.verdict != record.verdict.verdict:
        raise untested(archive, f"must have passed its gate. Its report says {report.verdict}",
                       "gate measure", model)  # fmt: skip
    content = manifest_of(archive)
    if not digest.of(content) == record.verdict.bundle == report.bundle:
        raise untested(archive, "must hold the bundle that was judged. It holds another",
                       "gate image measure", model)  # fmt: skip
    if (name := read_manifest(content, archive).name) != model:
        raise untested(archive, f"must hold a bundle of {model}. Got one of {name} instead",
                       "image", model)  # fmt: skip
    return report


def refuse_measurement(archive: Archive, report: Report, model: str) -> None:
    """Check the measurement by its hash, the image, and what the gate compared with.

    Raises StageError if it is of other images, or failed.
    """
    content, file = evidence(archive, MEASUREMENT, model), archive.path.with_name(MEASUREMENT)
    measurement = decode(content, Measurement, file, "measure")
    wanted = (archive.digest, report.old.digest if report.old else None)
    if (measurement.image, measurement.against) != wanted or measurement.verdict == "failed":
        raise untested(archive, "must have passed a measurement beside the image that its gate "
                       "compared with. It has not", "measure", model)  # fmt: skip


def refuse_scan(archive: Archive, model: str) -> None:
    """Check the files of the scan by their hashes, and that they are about this image.

    Raises StageError for other files.
    """
    for name in SCANS:
        refuse_foreign(decoded(evidence(archive, name, model), name), name, archive)


def read_manifest(content: bytes, archive: Archive) -> Manifest:
    """Return the manifest in an image; raise StageError if this revision cannot read it."""
    try:
        return msgspec.json.decode(content, type=Manifest)
    except msgspec.MsgspecError as error:
        raise StageError(
            f"{archive.path} must hold a bundle of this revision. Got instead: {error}"
        ) from error
