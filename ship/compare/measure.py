"""Compare size and speed of an image with the published one; both answer in turns, in one run."""

from __future__ import annotations

import statistics
from pathlib import Path

import msgspec

from contract.bundle import Acceptance, encode, read
from contract.spec.gate import ImageRules
from judge.acceptance import decide
from judge.report import ImageCheck, ImageFigure, ModelSummary, Report, Verdict
from ship.build.engine import load
from ship.build.workspace import MEASUREMENT, Workspace
from ship.compare.gate_report import read_policy
from ship.compare.image_server import serving
from ship.compare.published_model import PublishedImage, fetch_digest
from ship.files import typed
from ship.files.replace import remove, replace_file
from ship.registry.destination import destination
from ship.registry.oci_archive import Archive

WARMUP, ROUNDS = 20, 200


class Measurement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An image's size and speed, compared with the published image's if there was one."""

    image: str  # its digest
    reference: str | None  # of the published image: where the gate found it, and its digest
    against: str | None
    verdict: Verdict
    checks: list[ImageCheck]
    accepted: list[Acceptance]  # what a person accepts of those that fail, if it is enough


def measure(workspace: Workspace, report: Report) -> Measurement:
    """Compare the image with the published one that its bundle was judged by, and write the result.

    What model.toml accepts although it fails changes no byte of the image.
    """
    archive, old, file = workspace.archive, report.old, workspace.folder / MEASUREMENT
    remove(file)  # of an earlier image, whatever becomes of this one
    policy = read_policy(workspace.model)
    rules = policy.image
    if old and old.digest == archive.digest:  # it is the published image, and need not be fetched
        size = archive.compressed_size / 1e6
        checks = [ratio("size", size, size, rules.size_ratio)]
    else:
        checks = beside_published(workspace, old, rules)
    verdict, accepted = decide(checks, policy.accepted, old.version if old else None)
    measurement = Measurement(
        image=archive.digest,
        reference=old.reference if old and old.digest else None,
        against=old.digest if old else None,
        verdict=verdict,
        checks=checks,
        accepted=accepted,
    )
    replace_file(file, encode(measurement))
    return measurement


def beside_published(
    workspace: Workspace, old: ModelSummary | None, rules: ImageRules
) -> list[ImageCheck]:
    """Return the checks of an image beside the one that the gate compared with, if any."""
    published = published_then(workspace, old) if old and old.digest else None
    try:
        return compare(workspace, published, rules)
    finally:
        if published:
            published.remove()


def published_then(workspace: Workspace, old: ModelSummary) -> PublishedImage:
    """Fetch what was published when the gate judged, even if its tag has moved since."""
    target, reference = destination(workspace.model, workspace.dist), old.reference or ""
    print(f"  beside {reference}, which was {old.digest} when the gate judged", flush=True)
    return fetch_digest(
        target, workspace.model, old.digest or "", reference, workspace.published_folder
    )


def read_measurement(file: Path) -> Measurement:
    """Read the measurement in `file`, of any image; raise StageError for anything else."""
    return typed.read(file, Measurement, "measure")


def compare(
    workspace: Workspace, published: PublishedImage | None, rules: ImageRules
) -> list[ImageCheck]:
    """Return the checks of an image, which is loaded into the engine if it has to run.

    There are none if the published image is for other machines only.
    """
    new, old = workspace.archive, published
    if old is None or new.architecture != old.stored.architecture:
        return []
    sizes = new.compressed_size / 1e6, old.stored.compressed_size / 1e6
    checks = [ratio("size", *sizes, rules.size_ratio)]
    if new.digest != old.stored.digest:
        speeds = latencies(workspace, new, old)
        checks.append(ratio("latency", *speeds, rules.latency_ratio))
    return checks


def ratio(figure: ImageFigure, new: float, old: float, allowed: float) -> ImageCheck:
    """Return the check that a figure is at most `allowed` times the published image's."""
    passed = new <= allowed * old
    return ImageCheck(figure=figure, old=old, new=new, allowed=allowed, passed=passed)


def latencies(
    workspace: Workspace, archive: Archive, published: PublishedImage
) -> tuple[float, float]:
    """Return both images' median milliseconds for one row over HTTP.

    They answer in turns, so that anything else that this machine does slows both alike.
    """
    with (
        serving(load(archive), read(workspace.bundle)) as new,
        serving(published.image, published.bundle) as old,
    ):
        for _ in range(WARMUP):
            new.ask()
            old.ask()
        rounds = [(new.ask(), old.ask()) for _ in range(ROUNDS)]
    return statistics.median(a for a, _ in rounds), statistics.median(b for _, b in rounds)
