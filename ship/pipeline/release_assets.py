"""What a release carries beside its images: card, report, SBOMs and provenance, for each model."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from contract.bundle import read
from judge.card import card_for_release
from ship.build.build import Build
from ship.compare.published_model import BUNDLE, write
from ship.errors import UsageError
from ship.files.replace import replace_file
from ship.registry import image_files
from ship.registry.image_index import Image, archives_of
from ship.supply_chain import cosign, passed_tests
from ship.supply_chain.expected_identity import promises
from ship.supply_chain.sign import sbom_of


def write_assets(build: Build, image: Image, reference: str) -> Path:
    """Write the files into dist/assets, under names that begin with the model's."""
    folder = build.dist / "assets"
    folder.mkdir(parents=True, exist_ok=True)
    archives = archives_of(image)
    files = image_files.folder(archives[0].blob, archives[0].digest, BUNDLE)
    with TemporaryDirectory() as unpacked:
        bundle = read(write(files, Path(unpacked, build.model)))
        command = cosign.verify_command(reference, **promises(build.model, reference))
        card = card_for_release(bundle, reference, command)
    replace_file(folder / f"{build.model}-card.md", card.encode())
    replace_file(folder / f"{build.model}-model.html", files["report.html"])
    for archive in archives:
        architecture = archive.architecture
        replace_file(folder / f"{build.model}-{architecture}.spdx.json", sbom_of(archive))
        for report in passed_tests.reports(archive):
            content = passed_tests.evidence(archive, report, build.model)
            replace_file(folder / f"{build.model}-{architecture}-{report}", content)
    if provenance := os.environ.get("PROVENANCE"):
        if not Path(provenance).is_file():
            raise UsageError(f"PROVENANCE must be an attestation's file. Got {provenance} instead.")
        content = Path(provenance).read_bytes()
        replace_file(folder / f"{build.model}-provenance.jsonl", content)
    return folder
