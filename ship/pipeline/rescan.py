"""Scan the published images again, for vulnerabilities that are known by now."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from itertools import accumulate

from judge.render import markdown
from judge.render.table import Cell, Style, Table
from ship import git
from ship.compare.published_model import release_version
from ship.errors import StageError, UsageError
from ship.github.step_files import add_summary, set_outputs
from ship.github.untrusted import bounded
from ship.host.progress import progress
from ship.registry.destination import Destination, destination
from ship.registry.image_files import platforms
from ship.supply_chain import scan
from ship.tags import MAIN

MOVING = (MAIN, "latest")
RELEASES = 3  # the newest of each model
TABLE_LIMIT = 20_000  # bytes, so that both fit an issue, and a variable of a job's environment
FINDINGS_LIMIT = 40_000  # bytes of JSON
LONGEST = 500  # characters of a finding
NOTE = "There is more than an issue can hold; see the run. This is the beginning.\n\n"


@dataclass(frozen=True)
class Scanned:
    """One published image under all of its scanned tags, over all of its platforms."""

    model: str
    digest: str
    tags: list[str]
    blocking: list[str]
    counts: str


def rescan(models: list[str]) -> list[Scanned]:
    """Scan the published images of every model.

    Raises UsageError without a registry, StageError where an image cannot be scanned.
    """
    with progress("vulnerability database"):
        reachable = scan.has_database()
    if not reachable:
        raise StageError("The vulnerability database must be reachable. Run this again, or set "
                         "TRIVY_DB_REPOSITORY to a mirror.")  # fmt: skip
    scanned = []
    for name in models:
        target = destination(name, git.TOOL / "dist")
        if not target.shared:
            raise UsageError("REGISTRY must say where images are published: REGISTRY=host/owner.")
        with progress(f"{name}: rescan"):
            for digest, tags in chosen(target, name).items():
                scanned.append(scan_image(target, name, digest, tags))
    return scanned


def chosen(target: Destination, name: str) -> dict[str, list[str]]:
    """Return the digests that people get today, each with the tags that name it.

    Raises StageError if a tag vanishes meanwhile.
    """
    tags = target.tags()
    releases = sorted((v for tag in tags if (v := release_version(tag, name))), reverse=True)
    digests: dict[str, list[str]] = {}
    for tag in [*(tag for tag in MOVING if tag in tags), *map(str, releases[:RELEASES])]:
        digest = target.resolve(tag)
        if digest is None:
            raise StageError(f"{target}:{tag} must not change meanwhile. It did: run this again.")
        digests.setdefault(digest, []).append(tag)
    return digests


def scan_image(target: Destination, name: str, digest: str, tags: list[str]) -> Scanned:
    """Scan each platform of an image; a finding of several is reported once."""
    images = platforms(target.read, digest)
    reports = [scan_platform(target, image["digest"]) for image in images]
    findings = scan.judge(*reports, database=True)
    blocking = list(dict.fromkeys(line.strip() for line in findings.blocking))
    return Scanned(name, digest, tags, blocking, str(findings))


def scan_platform(target: Destination, digest: str) -> dict[str, object]:
    """Copy an image here as the folder that Trivy reads, and return Trivy's report."""
    layout = git.TOOL / "dist" / "rescan"
    shutil.rmtree(layout, ignore_errors=True)
    layout.parent.mkdir(exist_ok=True)
    try:
        target.local(digest, layout)
        report: dict[str, object] = json.loads(
            scan.trivy("image", f"--input={scan.relative(layout)}", "--scanners=vuln,secret",
                       "--image-config-scanners=misconfig,secret", "--format=json")
        )  # fmt: skip
    finally:
        shutil.rmtree(layout, ignore_errors=True)
    return report


def table(images: list[Scanned]) -> str:
    """Return a row for each image as Markdown."""
    rows = [
        (image.model, ", ".join(image.tags), Cell(image.digest, Style.CODE),
         str(len(image.blocking)), image.counts)
        for image in images
    ]  # fmt: skip
    return markdown.table(Table(("model", "tags", "image", "to mend", "all findings"), rows))


def finding_lines(images: list[Scanned]) -> list[str]:
    """Return a line of Markdown for each finding that can be mended."""
    return [
        f"{image.model} ({', '.join(image.tags)}): {markdown.plain(finding)}"[:LONGEST]
        for image in images
        for finding in image.blocking
    ]


def tell(images: list[Scanned]) -> None:
    """Print what was found; in a workflow, also add it to the run's summary and the job's outputs.

    The output is JSON: the table, and as many of the findings as an issue can hold.
    """
    shown, lines = table(images), finding_lines(images)
    page = "\n".join([shown, "", *(f"- {line}" for line in lines), ""])
    print(page)
    add_summary(page)
    sizes = accumulate(len(json.dumps([line])) for line in lines)
    kept = [line for line, size in zip(lines, sizes, strict=True) if size <= FINDINGS_LIMIT]
    note = NOTE if len(kept) < len(lines) else ""
    report = {"table": note + bounded(shown, NOTE, TABLE_LIMIT), "findings": kept}
    set_outputs(report=json.dumps(report))
