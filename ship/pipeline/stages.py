"""The main job: train → gate → image → measure → scan → smoke → publish, for each model."""

from __future__ import annotations

import hashlib
import os
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from contract import models as model_folders
from contract.bundle import MANIFEST, BundleError, read
from ship import git
from ship.build import base_image, engine
from ship.build.build import Build, make_image, train
from ship.build.import_bundle import import_bundle
from ship.compare.gate import Judged, enforce, judge_build, measure_build
from ship.errors import ShipError, StageError, UsageError
from ship.github.step_files import set_outputs
from ship.pipeline.admission import refuse_untested
from ship.pipeline.handed_on import find, hand_on, handed_on
from ship.pipeline.publish import publish, push, refuse_uncommitted
from ship.pipeline.release_assets import write_assets
from ship.pipeline.smoke import smoke, tests_hash
from ship.registry.destination import Destination, destination
from ship.registry.image_index import Image, join
from ship.settings import override
from ship.supply_chain import passed_tests
from ship.supply_chain.scan import Findings, scan
from ship.tags import Tag, tags_of_head

STAGES = ("train", "gate", "image", "measure", "scan", "smoke", "publish")
TESTING = {"measure", "scan", "smoke"}  # the stages in which an image can be found wanting
BUILDING = {"train", "image", "measure"}  # the stages that need the base image


@dataclass
class Outcome:
    """What became of one model: the stage it failed in, if any, and what each stage found."""

    build: Build
    bundle: Path | None = None  # one that was trained elsewhere and replaces the training
    images: Path | None = None  # those that were built and tested elsewhere, a folder per platform
    repeat: bool = False  # test again what has passed before
    seconds: dict[str, float] = field(default_factory=dict)
    failed: str | None = None
    error: str = ""
    judged: Judged | None = None
    findings: Findings | None = None
    smoke: str = ""
    tags: list[Tag] = field(default_factory=list)
    destination: str = ""


def pipeline(
    models: list[str],
    stages: tuple[str, ...] = STAGES,
    bundle: Path | None = None,
    images: Path | None = None,
) -> list[Outcome]:
    """Take each model through `stages`; one that fails does not keep the others from theirs."""
    if any(git.is_shallow(root) for root in (git.ROOT, model_folders.root())):
        print("plan: this clone is shallow, so revisions may be later than the commits they name; "
              "fetch the whole history (fetch-depth: 0)")  # fmt: skip
    python_image = base_image.resolve() if BUILDING.intersection(stages) else ""
    repeat = stages != STAGES
    outcomes = [Outcome(Build(model, python_image), bundle, images, repeat) for model in models]
    for outcome in outcomes:
        for stage in stages:
            if not outcome.failed:
                run_stage(outcome, stage)
    return outcomes


def run_stage(outcome: Outcome, stage: str) -> None:
    """Run one stage and note its time, and its failure if it fails."""
    model = outcome.build.model
    print(f"{model}: {stage}", flush=True)
    started = time.monotonic()
    try:
        ACTIONS[stage](outcome)
    except (ShipError, BundleError) as error:
        outcome.failed, outcome.error = stage, str(error)
    except Exception:  # noqa: BLE001 - whatever it is, the other models go on
        outcome.failed, outcome.error = stage, traceback.format_exc()
    if outcome.failed:
        print(f"{model}: {stage} FAILED", flush=True)
        forget(outcome, stage)
    outcome.seconds[stage] = time.monotonic() - started


def forget(outcome: Outcome, stage: str) -> None:
    """Take an image that has failed out of the engine; `make image` puts it there again."""
    if stage in TESTING:
        with suppress(ShipError, OSError):
            engine.release(outcome.build.archive)


def run_train(outcome: Outcome) -> None:
    if outcome.bundle:
        import_bundle(outcome.build, outcome.bundle)
    else:
        train(outcome.build)
    manifest = outcome.build.manifest
    if manifest.runtime == "joblib":  # training has said so too, but not where its layers were kept
        print(f"  joblib: {manifest.runtime_reason}", flush=True)


def run_gate(outcome: Outcome) -> None:
    """Hold the bundle against its manifest, the thresholds, and the published model."""
    outcome.judged = judge_build(outcome.build, override())
    report = outcome.judged.report
    for line in (report.headline, *(f"warning: {warning}" for warning in report.warnings)):
        print(f"  {line}", flush=True)
    enforce(report)
    set_outputs(bundle=bundle_hash(outcome.build))


def bundle_hash(build: Build) -> str:
    """Return the hash of a bundle: of its manifest, which holds those of all other files."""
    return hashlib.sha256((build.bundle / MANIFEST).read_bytes()).hexdigest()


def refuse_other_bundle(build: Build) -> None:
    """Refuse a bundle that is not the one that passed the gate, where BUNDLE_SHA256 names that."""
    expected = os.environ.get("BUNDLE_SHA256")
    if not expected:
        return
    if (found := bundle_hash(build)) != expected:
        raise StageError(f"{build.bundle} must be the bundle that was judged, {expected}. "
                         f"Got {found} instead; train and judge again.")  # fmt: skip
    read(build.bundle)  # which holds every other file against the manifest


def run_measure(outcome: Outcome) -> None:
    """Hold the image's size and speed against the published one's."""
    build, archive = outcome.build, outcome.build.archive
    outcome.judged = outcome.judged or judge_build(build, override())
    if measure_build(build, outcome.judged, override()):
        build_image(outcome)  # around the manifest that holds the reason
        archive = build.archive
    enforce(outcome.judged.report)
    report, baseline = outcome.judged.report, outcome.judged.baseline
    passed_tests.record_verdict(
        archive, build.bundle, report, baseline.digest if baseline else None
    )


def run_image(outcome: Outcome) -> None:
    refuse_other_bundle(outcome.build)
    build_image(outcome)


def build_image(outcome: Outcome) -> None:
    make_image(outcome.build)
    engine.load(outcome.build.archive)


def run_scan(outcome: Outcome) -> None:
    archive = outcome.build.archive
    outcome.findings = scan(outcome.build, archive)
    passed_tests.record_scan(archive, database=outcome.findings.database)


def run_smoke(outcome: Outcome) -> None:
    """Test a container of the archive's image, unless these bytes have passed these tests."""
    build, archive, tests = outcome.build, outcome.build.archive, tests_hash()
    before = passed_tests.read(archive).smoke
    if before and before.tests == tests and not outcome.repeat:
        print("  these very bytes have passed these very tests before", flush=True)
        passed = before.passed
    else:
        passed = smoke(build, engine.load(archive))
        passed_tests.record(archive, smoke=passed_tests.Smoke(tests=tests, passed=passed))
    outcome.smoke = f"{passed} passed"
    engine.accept(archive, build.image)
    set_outputs(**hand_on(archive))  # the record is complete


def run_push(outcome: Outcome) -> None:
    image, tags, target = shipment(outcome)
    push(image, tags, target)
    set_outputs(repository=str(target), digest=image.digest)


def run_publish(outcome: Outcome) -> None:
    image, tags, target = shipment(outcome)
    publish(image, tags, target)
    outcome.tags, outcome.destination = tags, str(target)


def run_assets(outcome: Outcome) -> None:
    image, tags, target = shipment(outcome)
    write_assets(outcome.build, image, f"{target}:{tags[0].name}@{image.digest}")


def shipment(outcome: Outcome) -> tuple[Image, list[Tag], Destination]:
    """Return what is to be published, under which tags, and where; raise where it may not be."""
    build = outcome.build
    if os.environ.get("DIGESTS") and not outcome.images:
        raise UsageError("IMAGES must be the folder of the images in DIGESTS. Got none.")
    archives = find(outcome.images, handed_on()) if outcome.images else [build.archive]
    for archive in archives:
        refuse_untested(archive, build.model)
    target = destination(build.model, build.dist)
    refuse_uncommitted(target)
    return join(archives), tags_of_head(build.model, model_folders.root()), target


ACTIONS: dict[str, Callable[[Outcome], None]] = {
    "train": run_train,
    "gate": run_gate,
    "image": run_image,
    "measure": run_measure,
    "scan": run_scan,
    "smoke": run_smoke,
    "push": run_push,
    "publish": run_publish,
    "assets": run_assets,
}
