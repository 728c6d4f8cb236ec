"""The stages of the pipeline: their order, and what becomes of a model that fails."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest

from ship.build import base_image, engine
from ship.build.workspace import PASSED_TESTS, Workspace
from ship.errors import StageError
from ship.files.digest import of
from ship.pipeline import smoke
from ship.pipeline import stages as job
from ship.pipeline.stages import STAGES, Run
from ship.pipeline.summary import failure
from ship.registry.oci_archive import Archive
from ship.settings import Settings
from ship.supply_chain import passed_tests
from ship.supply_chain.scan import Findings, Scanner
from tests.support.images.passed_images import image_of, pass_everything
from tests.support.images.trivy_files import pass_scan


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Replace what the stages do by noting that they ran; `bad` fails its gate."""
    ran: list[tuple[str, str]] = []

    def note(stage: str, run: Run) -> None:
        model = run.workspace.model
        ran.append((model, stage))
        if (model, stage) == ("bad", "gate"):
            raise StageError("accuracy must be at least 0.9. Got 0.5 instead.")
        if (model, stage) == ("odd", "scan"):
            raise RuntimeError("something nobody thought of")

    for name in STAGES:
        monkeypatch.setitem(job.ACTIONS, name, partial(note, name))
    monkeypatch.setattr(base_image, "resolve", lambda: "python:3.13")
    monkeypatch.setattr(job, "trivy_in_background", lambda: nullcontext(lambda: None))
    monkeypatch.setattr(job, "make_network", lambda: None)
    return ran


def test_pipeline_takes_the_other_models_on(stages: list[tuple[str, str]]) -> None:
    """A model that fails stops at its stage, and the others go on through every stage."""
    runs = job.pipeline(["bad", "good"], STAGES, Settings())
    assert [(run.workspace.model, run.failed) for run in runs] == [("bad", "gate"), ("good", None)]
    assert [stage for model, stage in stages if model == "good"] == list(STAGES)
    assert [stage for model, stage in stages if model == "bad"] == ["train", "gate"]
    assert set(stages[:2]) == {("bad", "train"), ("good", "train")}


def test_pipeline_survives_what_nobody_thought_of(stages: list[tuple[str, str]]) -> None:
    """An error of any kind fails its stage and model alone, and is told whole."""
    odd, good = job.pipeline(["odd", "good"], STAGES, Settings())
    assert (odd.failed, good.failed) == ("scan", None)
    assert "RuntimeError: something nobody thought of" in odd.error


@pytest.mark.parametrize("stage", ["train", "smoke"])
def test_pipeline_trains_and_smoke_tests_two_models_at_the_same_time(
    stage: str, stages: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training works on one core, and smoke tests wait for containers most of the time."""
    both = Barrier(2)
    monkeypatch.setitem(job.ACTIONS, stage, lambda _: both.wait(10))
    runs = job.pipeline(["one", "two"], STAGES, Settings())
    assert [run.failed for run in runs] == [None, None]


@pytest.fixture
def tested_elsewhere(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace the engine and the smoke tests by noting which image they are given."""
    ran: list[str] = []
    monkeypatch.setattr(engine, "load", lambda archive: archive.digest)
    monkeypatch.setattr(engine, "accept", lambda _, name: ran.append(name))

    def note(_: Workspace, image: str) -> int:
        ran.append(image)
        return 3

    monkeypatch.setattr(job, "smoke", note)
    return ran


@pytest.mark.parametrize("last", ["smoke", "scan"])
def test_last_test_hands_on_the_digest_that_passed(
    last: str,
    tested_elsewhere: list[str],
    scanned: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whichever test is the last, its output has the digests of image and record."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    archive = image_of(tmp_path / "iris", "iris", "", architecture="arm64")
    pass_everything(archive, "iris")
    run = Run(Workspace("iris", "", tmp_path), repeat=True)
    job.run_stage(run, last)
    assert run.error == ""
    assert tested_elsewhere + scanned == {
        "smoke": [archive.digest, "iris:dev"], "scan": ["iris:dev", archive.digest]
    }[last]  # fmt: skip
    assert passed_tests.read(archive).smoke == passed_tests.Smoke(
        tests=smoke.tests_hash(), passed=3
    )
    record = of((tmp_path / "iris" / PASSED_TESTS).read_bytes())
    handed = f'{{"image":"{archive.digest}","record":"{record}"}}'
    assert (tmp_path / "output").read_text() == f"arm64={handed}\n"


def test_smoke_tests_the_same_bytes_once(tested_elsewhere: list[str], tmp_path: Path) -> None:
    """In a whole pipeline an image that passed these smoke tests is not tested again."""
    image_of(tmp_path / "iris", "iris", "")
    workspace = Workspace("iris", "", tmp_path)
    for _ in range(2):
        job.run_stage(Run(workspace), "smoke")
    assert tested_elsewhere == [workspace.archive.digest]
    image_of(tmp_path / "iris", "iris", "", "two")
    job.run_stage(Run(workspace), "smoke")
    assert tested_elsewhere[1:] == [workspace.archive.digest]


def test_image_without_its_scan_has_no_name_yet(
    tested_elsewhere: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image that passed its smoke tests alone is neither named nor handed on."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    archive = image_of(tmp_path / "iris", "iris", "")
    job.run_stage(Run(Workspace("iris", "", tmp_path)), "smoke")
    assert tested_elsewhere == [archive.digest]
    assert not (tmp_path / "output").exists()


@pytest.fixture
def scanned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace Trivy by noting which image it is given; its databases are those of Monday."""
    ran: list[str] = []

    def note(_: Workspace, archive: Archive, *, database: bool) -> Findings:
        ran.append(archive.digest)
        pass_scan(archive)
        return Findings({"LOW": 1}, [], database)

    monkeypatch.setattr(job, "scan", note)
    return ran


# Trivy with the database of each day.
MONDAYS, TUESDAYS = (Scanner(digit * 64, has_database=True) for digit in "01")


def scan_with(scanner: Scanner, workspace: Workspace, *, repeat: bool = False) -> None:
    """Run the stage that scans, by a scanner."""
    job.run_stage(Run(workspace, repeat=repeat, scanner=lambda: scanner), "scan")


def test_scan_looks_at_the_same_bytes_once(scanned: list[str], tmp_path: Path) -> None:
    """In a whole pipeline an image that passed this scanner is not scanned again."""
    first = image_of(tmp_path / "iris", "iris", "")
    workspace = Workspace("iris", "", tmp_path)
    for _ in range(2):
        scan_with(MONDAYS, workspace)
    assert passed_tests.read(first).scan
    second = image_of(tmp_path / "iris", "iris", "", "two")
    scan_with(MONDAYS, workspace)
    assert scanned == [first.digest, second.digest]


def test_scan_waits_for_the_trivy_that_is_being_made(scanned: list[str], tmp_path: Path) -> None:
    """Only the scan waits for Trivy to be built; if that fails, the scan says so."""
    image_of(tmp_path / "iris", "iris", "")

    def scanner() -> Scanner:
        raise StageError("trivy must be on the PATH. Making it failed.")

    run = Run(Workspace("iris", "", tmp_path), scanner=scanner)
    job.run_stage(run, "scan")
    assert (run.failed, run.error, scanned) == (
        "scan", "trivy must be on the PATH. Making it failed.", []
    )  # fmt: skip


def test_scan_looks_again_where_anything_has_changed(
    scanned: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newer database, a changed file, and `make scan` each repeat the scan."""
    image_of(tmp_path / "iris", "iris", "")
    workspace = Workspace("iris", "", tmp_path)
    scan_with(MONDAYS, workspace)
    scan_with(TUESDAYS, workspace)
    assert len(scanned) == 2
    (tmp_path / "iris" / "sbom.spdx.json").write_text("{}")
    scan_with(TUESDAYS, workspace)
    assert len(scanned) == 3
    (tmp_path / "iris" / "sbom.cdx.json").unlink()
    scan_with(TUESDAYS, workspace)
    assert len(scanned) == 4
    scan_with(TUESDAYS, workspace, repeat=True)
    assert len(scanned) == 5


def test_failure_names_stage_model_and_next_command(tmp_path: Path) -> None:
    """What a person reads at the end says where it failed, why, and what to run."""
    run = Run(Workspace("iris", "python:3.13", tmp_path), failed="scan", error="A key.")
    assert failure(run) == "\niris failed in scan:\nA key.\nNext: make scan MODEL=iris\n"
