"""The main job: train → gate → image → measure → scan → smoke → publish, for each model."""

from __future__ import annotations

import hashlib
import json
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from model.bundle import MANIFEST, BundleError, read, read_manifest
from ship import base, git, tested
from ship.assets import write_assets
from ship.build import Build, accept, load, make_image, train
from ship.destination import Destination, destination
from ship.errors import ShipError, StageError
from ship.index import Image, find, join
from ship.judging import Judged, enforce, judge_build, measure_build
from ship.oci import Archive
from ship.outputs import set_outputs
from ship.publish import publish, push, refuse_uncommitted
from ship.scan import Findings, scan
from ship.settings import override
from ship.smoke import smoke, tests_hash
from ship.tags import Tag, tags_of_head

STAGES = ("train", "gate", "image", "measure", "scan", "smoke", "publish")
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
    if git.is_shallow():
        print("plan: this clone is shallow, so revisions may be later than the commits they name; "
              "fetch the whole history (fetch-depth: 0)")  # fmt: skip
    python_image = base.resolve() if BUILDING.intersection(stages) else ""
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
    outcome.seconds[stage] = time.monotonic() - started


def run_train(outcome: Outcome) -> None:
    if outcome.bundle:
        import_bundle(outcome.build, outcome.bundle)
    else:
        train(outcome.build)


def import_bundle(build: Build, bundle: Path) -> None:
    """Take a bundle that was trained elsewhere, as it is; its files are verified by the gate."""
    name = read_manifest(bundle).name
    if name != build.model:
        raise StageError(f"BUNDLE must be a bundle of {build.model}. Got one of {name} instead.")
    build.bundle.mkdir(parents=True, exist_ok=True)
    for old in build.bundle.iterdir():
        old.unlink()
    for file in bundle.iterdir():
        (build.bundle / file.name).write_bytes(file.read_bytes())


def run_gate(outcome: Outcome) -> None:
    """Hold the bundle against its manifest, the thresholds, and the published model."""
    outcome.judged = judge_build(outcome.build, override())
    report = outcome.judged.report
    print(f"  {report.headline}", flush=True)
    for warning in report.warnings:
        print(f"  warning: {warning}", flush=True)
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
    build = outcome.build
    outcome.judged = outcome.judged or judge_build(build, override())
    if measure_build(build, outcome.judged, override()):
        build_image(outcome)  # around the manifest that holds the reason
    enforce(outcome.judged.report)


def run_image(outcome: Outcome) -> None:
    refuse_other_bundle(outcome.build)
    build_image(outcome)


def build_image(outcome: Outcome) -> None:
    make_image(outcome.build)
    load(outcome.build)


def run_scan(outcome: Outcome) -> None:
    outcome.findings = scan(outcome.build)
    tested.record(outcome.build.folder, scan=outcome.build.archive.digest)


def run_smoke(outcome: Outcome) -> None:
    build, digest, tests = outcome.build, outcome.build.archive.digest, tests_hash()
    before = tested.read(build.folder)
    if not outcome.repeat and (before.get("smoke"), before.get("tests")) == (digest, tests):
        print("  these very bytes have passed these very tests before", flush=True)
        outcome.smoke = before["passed"]
    else:
        outcome.smoke = smoke(build)
        tested.record(build.folder, smoke=digest, tests=tests, passed=outcome.smoke)
    accept(build)
    set_outputs(**{build.archive.platform["architecture"]: digest})


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
    archives = find(outcome.images) if outcome.images else [build.archive]
    refuse_other_digests(archives)
    for archive in archives:
        tested.refuse_untested(archive, build.model)
    target = destination(build.model, build.dist)
    refuse_uncommitted(target)
    return join(archives), tags_of_head(build.model), target


def refuse_other_digests(archives: list[Archive]) -> None:
    """Refuse images that are not those that were tested, where DIGESTS names these."""
    named = json.loads(os.environ.get("DIGESTS") or "{}")
    expected = {architecture: digest for architecture, digest in named.items() if digest}
    found = {archive.platform["architecture"]: archive.digest for archive in archives}
    if expected and found != expected:
        raise StageError(f"The images must be those that were tested, {expected}. "
                         f"Got {found} instead.")  # fmt: skip


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
