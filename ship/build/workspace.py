"""The folder of one model under `dist/`: the files by which the stages of the pipeline communicate.

Each stage reads what the ones before it wrote there and writes its own files, so that it can run
alone, in another job, or on another machine that was given the folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from contract.bundle import Manifest, manifest_content, read_manifest
from contract.evaluation.evaluation import beside
from ship import git
from ship.build.inputs import Plan, plan
from ship.files import digest
from ship.registry.oci_archive import Archive

ReportName = Literal["report.html", "report.json", "report.md"]
ScanName = Literal["scan.json", "sbom.spdx.json", "sbom.cdx.json"]
REPORTS: tuple[ReportName, ...] = get_args(ReportName)  # by gate
CARD = "card.md"  # by gate
IMAGE = "image.tar"  # by image
MEASUREMENT = "measurement.json"  # by measure
SCANS: tuple[ScanName, ...] = get_args(ScanName)  # by scan
SCAN, SPDX, CYCLONEDX = SCANS
SARIF = "scan.sarif"  # by scan, for code scanning on GitHub; nothing here reads it
PASSED_TESTS = "tested.json"  # by measure, scan and smoke, of the image that is here
PROVENANCE = "provenance.jsonl"  # by push, where cosign attests it
PUBLISHED = "published.json"  # by publish


@dataclass(frozen=True)
class Workspace:
    """The paths of one model's results."""

    model: str
    python_image: str  # to build on; empty where nothing is built
    dist: Path = git.TOOL / "dist"

    @property
    def folder(self) -> Path:
        """The folder of all of them."""
        return self.dist / self.model

    @property
    def bundle(self) -> Path:
        """The folder of the bundle, which train writes."""
        return self.folder / "bundle"

    @property
    def evaluation(self) -> Path:
        """The folder of what the bundle was judged by, which train writes too."""
        return beside(self.bundle)

    @property
    def published_folder(self) -> Path:
        """The folder for the published model that this one is compared with."""
        return self.folder / "baseline"

    @property
    def archive(self) -> Archive:
        """The image, which the stage of that name writes."""
        return Archive(self.folder / IMAGE)

    @property
    def manifest(self) -> Manifest:
        """The manifest of the bundle."""
        return read_manifest(self.bundle)

    @property
    def bundle_digest(self) -> str:
        """The digest of the bundle's manifest, which holds those of all its other files."""
        return digest.of(manifest_content(self.bundle))

    @cached_property
    def plan(self) -> Plan:
        """The model's inputs in the checkout."""
        return plan(self.model)

    @property
    def image(self) -> str:
        """The name of the tested image in the local engine."""
        return f"{self.model}:dev"
