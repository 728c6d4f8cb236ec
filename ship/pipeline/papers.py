"""The papers of an image: reports, SBOMs and provenance, as they are published beside it."""

from __future__ import annotations

import os
from pathlib import Path

from ship.errors import UsageError
from ship.files.bounded import read_file
from ship.registry.destination import Destination
from ship.registry.image_index import Image, archives_of
from ship.registry.papers import Papers, tag_of
from ship.supply_chain import cosign, passed_tests
from ship.supply_chain.identity import claim_of
from ship.supply_chain.sign import sbom_of


def push_papers(image: Image, target: Destination) -> None:
    """Bring the papers of an image to the repository beside `target`, signed as the image is.

    Those that are there already stay. Raises UsageError if PROVENANCE names no file.
    """
    repository, tag = target.beside(), tag_of(image.digest)
    if repository.resolve(tag):
        return
    papers = Papers(image.digest, files(image))
    repository.push(papers)
    if target.shared and (options := cosign.signer()) is not None:
        claim = claim_of(archives_of(image)[0].labels, image.digest)
        cosign.sign(f"{repository}@{papers.digest}", claim, options)
    repository.tag(papers, tag)
    print(f"  papers {papers.digest} at {repository}", flush=True)


def files(image: Image) -> dict[str, bytes]:
    """Return the files by their names, of which those of one platform begin with its name.

    Raises UsageError if PROVENANCE names no file.
    """
    result = {}
    for archive in archives_of(image):
        result[f"{archive.architecture}.spdx.json"] = sbom_of(archive)
        for report in passed_tests.reports(archive):
            result[f"{archive.architecture}-{report}"] = passed_tests.evidence(archive, report)
    if provenance := os.environ.get("PROVENANCE"):
        if not Path(provenance).is_file():
            raise UsageError(f"PROVENANCE must be an attestation's file. Got {provenance} instead.")
        result["provenance.jsonl"] = read_file(Path(provenance))
    return result
