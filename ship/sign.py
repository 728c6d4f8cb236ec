"""Sign what was pushed, and attest what is in it, before any tag leads to it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from ship import cosign, tested
from ship.descriptor import decoded
from ship.index import Image, archives_of
from ship.oci import Archive
from ship.registry import Registry
from ship.sbom import refuse_foreign

SBOM = "sbom.spdx.json"


def sign(image: Image, target: Registry) -> bool:
    """Sign the image and attest each platform's SBOM; False where nothing here can sign.

    What is signed already is left as it is, so that publishing again adds nothing.
    """
    options = cosign.signer()
    if options is None:
        print("  not signed: set COSIGN_KEY and COSIGN_PUBLIC_KEY to sign with a key of yours")
        return False
    sboms = {archive.digest: sbom_of(archive) for archive in archives_of(image)}
    reference = f"{target}@{image.digest}"
    if cosign.signature_fault(reference):
        cosign.sign(reference, options)
    for digest, sbom in sboms.items():
        platform = f"{target}@{digest}"
        if cosign.attestation_fault(platform):
            attest(sbom, platform, options)
    return True


def attest(sbom: bytes, reference: str, options: list[str]) -> None:
    """Attest an SBOM as it was read and verified, whatever lies beside the image by now."""
    with TemporaryDirectory() as folder:
        verified = Path(folder, SBOM)
        verified.write_bytes(sbom)
        cosign.attest(reference, str(verified), options)


def sbom_of(archive: Archive) -> bytes:
    """Return the SBOM as the scan recorded it; raise StageError for any other."""
    content = tested.evidence(archive, SBOM)
    refuse_foreign(decoded(content, SBOM), SBOM, archive)
    return content
