"""Images that have passed everything, without a container engine: what each stage would write."""

from __future__ import annotations

from pathlib import Path

import msgspec

from contract.bundle import (
    MANIFEST,
    SCHEMA_VERSION,
    Data,
    Gate,
    Manifest,
    Metrics,
    Serving,
    Split,
    encode,
)
from judge.report import ModelSummary, Report, Verdict
from ship.build.workspace import MEASUREMENT
from ship.compare.measure import Measurement
from ship.files.digest import of
from ship.pipeline.smoke import tests_hash
from ship.registry.oci_archive import Archive
from ship.supply_chain import passed_tests
from tests.support.images.oci_archives import labelled, oci_archive
from tests.support.images.trivy_files import pass_scan


def image_of(
    folder: Path,
    model: str,
    inputs: str,
    content: str = "one",
    bundle: Manifest | None = None,
    **platform: str,
) -> Archive:
    """Write image.tar into a folder, with a bundle and the labels that we give a model's image."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {"bundle/manifest.json": encode(bundle or manifest(model)),
             "content.txt": content.encode()}  # fmt: skip
    labels = {**labelled(model), "model-images.inputs": inputs}
    return oci_archive(folder / "image.tar", files, labels, **platform)


def pass_everything(archive: Archive, model: str, verdict: Verdict = "passed") -> Archive:
    """Leave beside an image what the stages leave of one that has passed."""
    passed = report(model, verdict, archive)
    write_report(archive, passed)
    passed_tests.record_verdict(archive, bundle_beside(archive), passed)
    pass_measure(archive)
    pass_scan(archive)
    passed_tests.record(archive, smoke=passed_tests.Smoke(tests=tests_hash(), passed=3))
    return archive


def pass_measure(archive: Archive, **changes: object) -> None:
    """Leave beside an image what measuring leaves where nothing was published."""
    measurement = Measurement(
        image=archive.digest, reference=None, against=None, verdict="passed", checks=[],
        accepted=[],
    )  # fmt: skip
    measurement = msgspec.structs.replace(measurement, **changes)
    archive.path.with_name(MEASUREMENT).write_bytes(encode(measurement))
    passed_tests.record_measurement(archive, measurement.verdict)


def bundle_beside(archive: Archive) -> Path:
    """Return the folder of the bundle in an image, as training left it."""
    folder = archive.path.with_name("bundle")
    folder.mkdir(exist_ok=True)
    (folder / MANIFEST).write_bytes(passed_tests.manifest_of(archive))
    return folder


def write_report(archive: Archive, report: Report) -> None:
    """Write the report of an image in all of its formats."""
    for form in ("html", "json", "md"):
        content = encode(report) if form == "json" else form.encode()
        archive.path.with_name(f"report.{form}").write_bytes(content)


def report(model: str, verdict: Verdict, archive: Archive | None = None) -> Report:
    """Return a report on the bundle in an image."""
    summary = ModelSummary(version="1", revision="0" * 40, digest=None, reference=None,
                estimator="LogisticRegression", runtime="onnx", data_sha256="0" * 64, rows=10,
                holdout_rows=4)  # fmt: skip
    bundle = of(passed_tests.manifest_of(archive)) if archive else None
    return Report(
        model=model, bundle=bundle, description="A test",
        task="classification", verdict=verdict, new=summary, old=None, note="", rows=4, compared=0,
        confidence=0.95, resamples=0, scores=[], segments=[], checks=[], warnings=[],
        changes=None, drift=[],
    )  # fmt: skip


def manifest(model: str) -> Manifest:
    """Return the manifest of a model that has passed its gate."""
    return Manifest(
        schema_version=SCHEMA_VERSION, name=model, version="1", revision="0" * 40,
        description="A test", task="classification", target="kind",
        estimator="LogisticRegression",
        data=Data(source="data.csv", sha256="0" * 64, rows=10, train_rows=6, holdout_rows=4),
        split=Split(method="random", test_size=0.4), inputs=[], classes=["a", "b"],
        libraries={}, metrics=Metrics(holdout={}, cross_validation={}),
        gate=Gate(passed=True, checks=[]), runtime="onnx", runtime_reason="", parity=None,
        serving=Serving(), files={},
    )  # fmt: skip
