"""Write the files of a release: card, report, SBOMs and provenance, for each model."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from contract.bundle import read, read_notes
from judge.render.card import PublishedReference, card
from judge.report import Report
from ship.build.workspace import Workspace
from ship.compare.gate_report import REPORT
from ship.compare.published_model import write
from ship.errors import UsageError
from ship.files.replace import replace_file
from ship.files.typed import decode
from ship.pipeline.publish import Publication
from ship.registry import image_files
from ship.registry.image_index import Image, archives_of
from ship.registry.oci_archive import Archive
from ship.supply_chain import cosign, passed_tests
from ship.supply_chain.expected_identity import promises
from ship.supply_chain.sign import sbom_of


def write_assets(workspace: Workspace, image: Image, published: Publication) -> Path:
    """Write the files into dist/assets, under names that begin with the model's.

    The card names the image by the first of its tags, which is the release if there is one. Raises
    UsageError if PROVENANCE names no file.
    """
    reference = f"{published.destination}:{published.tags[0]}@{published.digest}"
    folder = workspace.dist / "assets"
    folder.mkdir(parents=True, exist_ok=True)
    archives = archives_of(image)
    files = image_files.bundle(archives[0].blob, archives[0].digest)
    with TemporaryDirectory() as unpacked:
        bundle = read(write(files, Path(unpacked, workspace.model)))
        command = cosign.verify_command(reference, **promises(workspace.model, reference))
        notes, segments = read_notes(bundle.path), judged(archives[0], workspace.model).segments
        content = card(bundle.manifest, notes, segments, PublishedReference(reference, command))
    replace_file(folder / f"{workspace.model}-card.md", content)
    for archive in archives:
        architecture = archive.architecture
        replace_file(folder / f"{workspace.model}-{architecture}.spdx.json", sbom_of(archive))
        for report in passed_tests.reports(archive):
            content = passed_tests.evidence(archive, report, workspace.model)
            replace_file(folder / f"{workspace.model}-{architecture}-{report}", content)
    if provenance := os.environ.get("PROVENANCE"):
        if not Path(provenance).is_file():
            raise UsageError(f"PROVENANCE must be an attestation's file. Got {provenance} instead.")
        content = Path(provenance).read_bytes()
        replace_file(folder / f"{workspace.model}-provenance.jsonl", content)
    return folder


def judged(archive: Archive, model: str) -> Report:
    """Return the recorded report on the bundle in an image."""
    content = passed_tests.evidence(archive, REPORT, model)
    return decode(content, Report, archive.path.with_name(REPORT), "gate measure")
