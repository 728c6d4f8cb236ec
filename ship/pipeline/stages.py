"""The main job: train → gate → image → measure → smoke → scan → publish, for each model.

A stage gets the name of a model and the user's settings. It reads everything else from the files
that the stages before it wrote: see `ship.build.workspace`.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import cache

from contract import models as model_folders
from contract.bundle import EVALUATION, BundleError
from judge.render.sentences import headline, worded
from ship import git
from ship.build import base_image, engine
from ship.build.build import make_image, train
from ship.build.import_bundle import import_bundle
from ship.build.workspace import PROVENANCE, PUBLISHED, Workspace
from ship.compare.gate_report import enforce, read_passed_report, reports_digest
from ship.compare.measure import measure
from ship.errors import ShipError, UsageError
from ship.files.replace import replace_file
from ship.github.step_files import add_summary, set_outputs
from ship.host.confined import make_network
from ship.host.progress import progress
from ship.pipeline.admission import refuse_untested
from ship.pipeline.handover import find, hand_on, read_handovers
from ship.pipeline.papers import push_papers
from ship.pipeline.publish import (
    publish,
    push,
    push_evaluation,
    record_published,
    refuse_uncommitted,
)
from ship.pipeline.smoke import smoke, tests_hash
from ship.registry.destination import Destination, destination
from ship.registry.image_index import Image, join
from ship.settings import Settings
from ship.supply_chain import cosign, passed_tests, provenance
from ship.supply_chain.scan import Scanner, find_scanner, scan, trivy_in_background
from ship.supply_chain.sign import UNSIGNED
from ship.tags import tags_of_head

STAGES = ("train", "gate", "image", "measure", "smoke", "scan", "publish")  # Trivy may come late
TESTING = {"measure", "smoke", "scan"}  # the stages in which an image can be found wanting
BUILDING = {"train", "image"}  # the stages that need the base image
# How many models go through a stage at the same time: training works on one core, and takes memory;
# smoke tests wait more than they work.
TOGETHER = {"train": 2, "smoke": max(2, os.cpu_count() or 1)}


@dataclass
class Run:
    """One model's run: its settings, the seconds of each stage, and which one failed.

    `repeat` makes stages judge and test again what has passed before. `scanner` waits for Trivy.
    """

    workspace: Workspace
    settings: Settings = field(default_factory=Settings)
    repeat: bool = False
    scanner: Callable[[], Scanner] = find_scanner
    seconds: dict[str, float] = field(default_factory=dict)
    failed: str | None = None
    error: str = ""


def pipeline(models: list[str], stages: tuple[str, ...], settings: Settings) -> list[Run]:
    """Run each of `stages` for every model; one that fails does not keep the others from theirs.

    The models go through a stage one after the other, so that all of them are trained, built and
    smoke-tested while Trivy is still being made.
    """
    if any(git.is_shallow(root) for root in (git.TOOL, model_folders.root())):
        print("plan: this clone is shallow, so revisions may be later than the commits they name; "
              "fetch the whole history (fetch-depth: 0)")  # fmt: skip
    whole = stages == STAGES

    @cache
    def scanner() -> Scanner:
        """Return what scans every model of this run."""
        wait_for_trivy()
        return find_scanner()

    with trivy_in_background() if whole else nullcontext(lambda: None) as wait_for_trivy:
        with progress("base image"):
            python_image = base_image.resolve() if BUILDING.intersection(stages) else ""
        runs = [
            Run(Workspace(model, python_image), settings, not whole, scanner) for model in models
        ]
        for stage in stages:
            run_all([run for run in runs if not run.failed], stage)
    return runs


def run_all(runs: list[Run], stage: str) -> None:
    """Run one stage of several models, as many at the same time as TOGETHER says."""
    if stage in TOGETHER:
        make_network()  # which the engine would make twice for two at the same time
        with ThreadPoolExecutor(TOGETHER[stage]) as threads:
            list(threads.map(lambda run: run_stage(run, stage), runs))
    else:
        for run in runs:
            run_stage(run, stage)


def run_stage(run: Run, stage: str) -> None:
    """Run one stage; note its seconds and, if it fails, its error."""
    model = run.workspace.model
    print(f"{model}: {stage}", flush=True)
    started = time.monotonic()
    try:
        with progress(f"{model}: {stage}"):
            ACTIONS[stage](run)
    except (ShipError, BundleError) as error:
        run.failed, run.error = stage, str(error)
    except Exception:  # noqa: BLE001 - whatever it is, the other models go on
        run.failed, run.error = stage, traceback.format_exc()
    if run.failed:
        print(f"{model}: {stage} FAILED", flush=True)
        forget(run, stage)
    run.seconds[stage] = time.monotonic() - started


def forget(run: Run, stage: str) -> None:
    """Remove an image that failed from the engine; `make image` loads it again."""
    if stage in TESTING:
        with suppress(ShipError, OSError):
            engine.remove_names(run.workspace.archive)


def run_train(run: Run) -> None:
    """Train, or take the bundle that BUNDLE names in place of it."""
    if run.settings.bundle:
        import_bundle(run.workspace, run.settings.bundle)
    else:
        train(run.workspace, beside="" if run.repeat else "packages")
    manifest = run.workspace.manifest
    if manifest.runtime == "joblib":  # training has said so too, but not where its layers were kept
        print(f"  joblib: {manifest.runtime_reason}", flush=True)


def run_gate(run: Run) -> None:
    """Judge the bundle by its thresholds and the published model."""
    from ship.compare.gate import judge_bundle  # noqa: PLC0415 - publishing installs no statistics

    report = judge_bundle(run.workspace, cache=not run.repeat)
    for line in (headline(report), *(f"warning: {warning}" for warning in report.warnings)):
        print(f"  {line}", flush=True)
    enforce(report.verdict, report.checks)
    set_outputs(reports=reports_digest(run.workspace))


def run_image(run: Run) -> None:
    """Build the image around the judged bundle."""
    read_passed_report(run.workspace)
    make_image(run.workspace)
    engine.load(run.workspace.archive)


def run_measure(run: Run) -> None:
    """Compare the image's size and speed with those of the image that the gate compared with."""
    workspace, archive = run.workspace, run.workspace.archive
    report = read_passed_report(workspace)
    measurement = measure(workspace, report)
    for check in map(worded, measurement.checks):
        print(f"  {check.what} {check.found}", flush=True)
    enforce(measurement.verdict, measurement.checks)
    passed_tests.record_verdict(archive, workspace.bundle, report)
    passed_tests.record_measurement(archive, measurement.verdict)


def run_scan(run: Run) -> None:
    """Scan the image for what must not be published, and list its packages."""
    archive, (current, database) = run.workspace.archive, run.scanner()
    if passed_tests.was_scanned(archive, current, database=database) and not run.repeat:
        print("  these very bytes have passed this very scanner before", flush=True)
    else:
        findings = scan(run.workspace, archive, database=database)
        passed_tests.record_scan(archive, findings.counts, scanner=current, database=database)
    accept(run)


def run_smoke(run: Run) -> None:
    """Test a container of the image, unless these bytes have passed these tests before."""
    workspace, archive, tests = run.workspace, run.workspace.archive, tests_hash()
    before = passed_tests.read(archive).smoke
    if before and before.tests == tests and not run.repeat:
        print("  these very bytes have passed these very tests before", flush=True)
    else:
        passed = smoke(workspace, engine.load(archive))
        passed_tests.record(archive, smoke=passed_tests.Smoke(tests=tests, passed=passed))
    accept(run)


def accept(run: Run) -> None:
    """Name an image that has passed every test, and hand it on; leave another as it is."""
    archive = run.workspace.archive
    if passed_tests.read(archive).is_complete:
        engine.accept(archive, run.workspace.image)
        set_outputs(**hand_on(archive))


def run_push(run: Run) -> None:
    """Bring the tested and signed image to its registry, without any tag."""
    image, target = shipment(run)
    push_evaluation(image, run.workspace.evaluation / EVALUATION, target)
    signed = push(image, tags_of_head(run.workspace.plan.image.hash, model_folders.root()), target)
    if target.shared and not signed:
        add_summary(f"{run.workspace.model}: {UNSIGNED}\n")
    set_outputs(repository=str(target), digest=image.digest, **attest(run.workspace, image, target))


def attest(workspace: Workspace, image: Image, target: Destination) -> dict[str, str]:
    """Attest where a pushed image comes from; return who attests it, and in which file that is."""
    reference = f"{target}@{image.digest}"
    attester = provenance.attest(reference) if target.shared else ""
    if attester != "cosign":
        return {"attester": attester, "provenance": ""}
    file = workspace.folder / PROVENANCE
    replace_file(file, cosign.attestations(reference, cosign.PROVENANCE))
    return {"attester": attester, "provenance": str(file)}


def run_publish(run: Run) -> None:
    """Do what push does, as far as it is not done, and set the tags."""
    image, target = shipment(run)
    tags = tags_of_head(run.workspace.plan.image.hash, model_folders.root())
    push_evaluation(image, run.workspace.evaluation / EVALUATION, target)
    push_papers(image, target)
    publish(image, tags, target)
    record_published(run.workspace.folder / PUBLISHED, image, tags, target)


def shipment(run: Run) -> tuple[Image, Destination]:
    """Return what is to be published, and where.

    Raises UsageError for DIGESTS without IMAGES, StageError for an image that must not be
    published.
    """
    workspace, images = run.workspace, run.settings.images
    if os.environ.get("DIGESTS") and not images:
        raise UsageError("IMAGES must be the folder of the images in DIGESTS. Got none.")
    archives = find(images, read_handovers()) if images else [workspace.archive]
    for archive in archives:
        refuse_untested(archive, workspace.model)
    target = destination(workspace.model, workspace.dist)
    refuse_uncommitted(target)
    return join(archives), target


ACTIONS: dict[str, Callable[[Run], None]] = {
    "train": run_train,
    "gate": run_gate,
    "image": run_image,
    "measure": run_measure,
    "scan": run_scan,
    "smoke": run_smoke,
    "push": run_push,
    "publish": run_publish,
}
