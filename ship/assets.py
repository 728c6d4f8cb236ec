"""What a release carries beside its images: card, report, SBOMs and provenance, for each model."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from judge.card import card_for_release
from model.bundle import read
from ship import contents, cosign, tested
from ship.baseline import BUNDLE, write
from ship.build import Build
from ship.errors import UsageError
from ship.index import Image, archives_of
from ship.replace import replace_file
from ship.sign import sbom_of
from ship.wanted import promises


def write_assets(build: Build, image: Image, reference: str) -> Path:
    """Write the files into dist/assets, under names that begin with the model's."""
    folder = build.dist / "assets"
    folder.mkdir(parents=True, exist_ok=True)
    archives = archives_of(image)
    files = contents.folder(archives[0].blob, archives[0].digest, BUNDLE)
    with TemporaryDirectory() as unpacked:
        bundle = read(write(files, Path(unpacked, build.model)))
        command = cosign.verify_command(reference, **promises(build.model, reference))
        card = card_for_release(bundle, reference, command)
    replace_file(folder / f"{build.model}-card.md", card.encode())
    replace_file(folder / f"{build.model}-model.html", files["report.html"])
    for archive in archives:
        architecture = archive.architecture
        replace_file(folder / f"{build.model}-{architecture}.spdx.json", sbom_of(archive))
        for report in tested.reports(archive):
            content = tested.evidence(archive, report, build.model)
            replace_file(folder / f"{build.model}-{architecture}-{report}", content)
    if provenance := os.environ.get("PROVENANCE"):
        if not Path(provenance).is_file():
            raise UsageError(f"PROVENANCE must be an attestation's file. Got {provenance} instead.")
        content = Path(provenance).read_bytes()
        replace_file(folder / f"{build.model}-provenance.jsonl", content)
    return folder
