"""Sign what was pushed, and attest what is in it, before any tag leads to it."""

from __future__ import annotations

from pathlib import Path

from ship import cosign
from ship.index import Image, archives_of
from ship.registry import Registry

SBOM = "sbom.spdx.json"


def sign(image: Image, target: Registry) -> bool:
    """Sign the image and attest each platform's SBOM; False where nothing here can sign.

    What is signed already is left as it is, so that publishing again adds nothing.
    """
    options = cosign.signer()
    if options is None:
        print("  not signed: set COSIGN_KEY and COSIGN_PUBLIC_KEY to sign with a key of yours")
        return False
    reference = f"{target}@{image.digest}"
    if cosign.signature_fault(reference):
        cosign.sign(reference, options)
    for archive in archives_of(image):
        platform = f"{target}@{archive.digest}"
        if cosign.attestation_fault(platform):
            cosign.attest(platform, str(Path(archive.path).with_name(SBOM)), options)
    return True
