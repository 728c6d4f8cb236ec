"""Stages speak by files: each reads the report of the gate, and no other, wherever it runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contract import models
from contract.bundle import Bundle, BundleError, encode
from judge.report import BoundCheck, Report
from ship.build import engine
from ship.build.bundle_intake import take
from ship.build.workspace import MEASUREMENT, PUBLISHED, REPORTS, Workspace
from ship.compare import measure as measuring
from ship.compare.accept import accept
from ship.compare.gate import judge_bundle
from ship.compare.gate_report import REPORT, read_passed_report, read_report, reports_digest
from ship.compare.measure import Measurement, read_measurement
from ship.errors import StageError
from ship.pipeline.publish import publish, record_published
from ship.pipeline.stages import Run, run_stage
from ship.pipeline.summary import rows
from ship.registry.layout import Layout
from ship.supply_chain import passed_tests
from ship.tags import Tag
from tests.support.images.bundle_images import BASE, image_of, publish_to
from tests.support.images.oci_archives import oci_archive
from tests.support.images.trivy_files import pass_scan

pytestmark = pytest.mark.slow  # trains models


@pytest.fixture
def workspace(tmp_path: Path, good: Bundle, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The results of one model on a machine that has trained it."""
    monkeypatch.delenv("REGISTRY", raising=False)
    shutil.copytree(good.path.parent / "made", tmp_path / "models" / "made")
    monkeypatch.setenv("MODELS", str(tmp_path / "models"))
    monkeypatch.setattr("ship.git.TOOL", tmp_path)
    workspace = Workspace("made", "", tmp_path / "dist")
    take(good.path, workspace.bundle)
    return workspace


@pytest.fixture
def judged(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The same, where the job that judged it has handed on the digest of its reports."""
    judge_bundle(workspace)
    monkeypatch.setenv("REPORTS_DIGEST", reports_digest(workspace))
    return workspace


def report_of(workspace: Workspace) -> Report:
    """Return the report of a workspace."""
    return read_report(workspace.folder / REPORT)


def test_report_of_the_gate_is_read_back(judged: Workspace) -> None:
    """The report that the gate left is read back if it is on the bundle in dist."""
    assert read_passed_report(judged) == report_of(judged)
    assert report_of(judged).bundle == judged.bundle_digest


def test_bundle_without_a_report_is_refused(workspace: Workspace) -> None:
    """A bundle that was not judged gets no image."""
    with pytest.raises(StageError, match=r"must be judged first.*Run: make gate MODEL=made"):
        read_passed_report(workspace)


def test_report_on_another_bundle_is_refused(judged: Workspace) -> None:
    """After another training the report no longer counts."""
    manifest = judged.bundle / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")
    with pytest.raises(StageError, match=r"must be on the bundle in .* Run: make gate MODEL=made"):
        read_passed_report(judged)


def test_bundle_that_was_changed_is_refused(judged: Workspace) -> None:
    """A bundle is refused if a file was changed after the gate judged it."""
    with (judged.bundle / "examples.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(BundleError, match=r"examples\.json"):
        read_passed_report(judged)


@pytest.mark.daily(1)
@pytest.mark.parametrize("name", REPORTS)
def test_report_that_another_job_wrote_is_refused(judged: Workspace, name: str) -> None:
    """A report in any format that differs from REPORTS_DIGEST is refused."""
    with (judged.folder / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(StageError, match="must be those that were handed on"):
        read_passed_report(judged)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{}", "must be a report of this revision.*missing required field"),
        (b'{"model": "made", "more": 1}', "must be a report of this revision"),
        (b"[" * 100_000, "must be a report of this revision"),
        (b" " * (64 * 2**20 + 1), "must have at most .*Run: make gate"),
    ],
)
def test_report_that_is_none_is_refused(
    judged: Workspace, monkeypatch: pytest.MonkeyPatch, content: bytes, words: str
) -> None:
    """A report of another form, or one that is too large, is refused."""
    monkeypatch.delenv("REPORTS_DIGEST")
    (judged.folder / REPORT).write_bytes(content)
    with pytest.raises(StageError, match=words):
        read_passed_report(judged)


@pytest.mark.parametrize("stage", ["image", "measure"])
def test_stage_refuses_a_model_that_failed_its_gate(judged: Workspace, stage: str) -> None:
    """A later stage refuses a model that failed its gate, and repeats the checks."""
    report = report_of(judged)
    failed = BoundCheck(
        metric="accuracy", where=None, bound="min", threshold=1, value=0.5, passed=False
    )
    report.verdict, report.checks = "failed", [failed]
    (judged.folder / REPORT).write_bytes(encode(report))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("REPORTS_DIGEST")
        run = Run(judged)
        run_stage(run, stage)
    assert (run.failed, run.error) == (stage, "accuracy must be at least 1. Got 0.5 instead.")


@pytest.fixture
def published(workspace: Workspace, good: Bundle, tmp_path: Path) -> Layout:
    """Where an equal model was published before this one was judged."""
    target = Layout(workspace.dist / "registry" / "made")
    publish_to(target, good, tmp_path, "main")
    judge_bundle(workspace)
    return target


@pytest.fixture
def built(workspace: Workspace, published: Layout, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The image around the judged bundle, which takes twice as long to answer."""
    image_of(workspace.bundle, workspace.folder / "image.tar", content="more")
    monkeypatch.setattr(measuring, "latencies", lambda *_: (20.0, 10.0))
    monkeypatch.setattr(engine, "remove_names", lambda *_: None)
    return workspace


def measured(workspace: Workspace) -> Measurement:
    """Return the measurement of a workspace."""
    return read_measurement(workspace.folder / MEASUREMENT)


def test_image_is_measured_beside_what_was_published_when_the_gate_judged(
    built: Workspace,
    published: Layout,
    bad: Bundle,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The image is measured beside the one the gate compared with, even if `main` has moved."""
    before = published.resolve("main")
    publish(oci_archive(tmp_path / "moved.tar", {"other": b"files"}, {}), [Tag("main")], published)
    reports = {name: (built.folder / name).read_bytes() for name in REPORTS}
    run = Run(built)
    run_stage(run, "measure")
    assert run.error == ""
    assert before != published.resolve("main")
    assert measured(built).against == before
    assert f"beside {published}:main, which was {before} when" in capsys.readouterr().out
    assert reports == {name: (built.folder / name).read_bytes() for name in REPORTS}


def test_slow_image_is_refused_or_accepted_without_another_build(
    built: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow image is refused, or accepted with a reason that leaves bundle and image alone."""
    monkeypatch.setattr(measuring, "latencies", lambda *_: (21.0, 10.0))
    manifest, digest = built.bundle_digest, built.archive.digest
    run = Run(built)
    run_stage(run, "measure")
    assert run.failed == "measure"
    assert "latency of one row, ms must be at most 2 times the published image's" in run.error
    assert measured(built).verdict == "failed"
    assert passed_tests.read(built.archive).measure is None

    accept(built.model, models.root(), built.folder, "it has to be", "octocat")
    run = Run(built)
    run_stage(run, "measure")
    assert run.error == ""
    assert measured(built).verdict == "accepted"
    assert [line.what for line in measured(built).accepted] == ["image latency"]
    record = passed_tests.read(built.archive)
    assert record.measure
    assert record.measure.verdict == "accepted"
    assert (built.bundle_digest, built.archive.digest) == (manifest, digest)


def test_table_is_made_of_files(built: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is made from the files in dist and the seconds of each stage alone."""
    engine = {f"python:3.13@{BASE}": 0}  # the layers of the base that the image's labels name
    monkeypatch.setattr("ship.build.base_image.layers", engine.__getitem__)
    run_stage(Run(built), "measure")
    archive = built.archive
    pass_scan(archive, low=2)
    passed_tests.record(archive, smoke=passed_tests.Smoke(tests="0" * 64, passed=31))
    record_published(
        built.folder / PUBLISHED, archive, [Tag("main")], Layout(built.dist / "registry" / "made")
    )
    stages = ("train", "gate", "image", "measure", "smoke", "scan", "publish")
    cells = {name: text.plain for name, text in
             rows(Run(built, seconds=dict.fromkeys(stages, 1.0))).items()}  # fmt: skip
    assert cells["runtime"] == "onnx"
    assert "accuracy +0" in cells["against published"]
    assert "latency of one row, ms 10 → 20: 2.00 times" in cells["against published"]
    assert cells["digest"] == archive.digest[7:19]
    assert cells["over its base"] == cells["compressed size"]
    assert (cells["findings"], cells["smoke"], cells["tags"]) == ("2 low", "31 passed", "main")
    assert cells["published to"].endswith("registry/made")


def test_table_leaves_out_what_an_earlier_run_has_left(built: Workspace) -> None:
    """The table leaves out stages that this run did not reach, whatever an earlier one left."""
    run_stage(Run(built), "measure")
    run = Run(built, seconds={"train": 1.0, "gate": 1.0}, failed="gate")
    cells = {name: text.plain for name, text in rows(run).items() if text.plain}
    assert "latency" not in cells["against published"]
    assert "digest" not in cells
    assert cells["result"] == "FAILED: gate"


def test_gate_that_cannot_judge_leaves_no_report_on_another_bundle(judged: Workspace) -> None:
    """If the gate cannot read the bundle, it removes the report on the one before."""
    (judged.bundle / "manifest.json").write_text("{}")
    with pytest.raises(BundleError):
        judge_bundle(judged)
    assert [name for name in REPORTS if (judged.folder / name).exists()] == []
