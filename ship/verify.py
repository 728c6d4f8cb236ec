"""Verify a published image before it is tagged or run: its bytes, signature and attestations."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ship import cosign
from ship.contents import INDEXES
from ship.destination import Destination
from ship.errors import StageError
from ship.registry import Registry


def verify(target: Destination, digest: str) -> str:
    """Return one line on what was verified of the image `digest` at `target`.

    Raises StageError, with the reason, for an image that is unknown, altered, or not signed by
    whom it must be. A layout on this machine holds no signatures: there its bytes are verified.
    """
    manifest = verify_bytes(target, digest)
    if not isinstance(target, Registry):
        return f"{digest}: bytes (a folder of this machine carries no signature)"
    reference = f"{target}@{digest}"
    if reason := cosign.signature_fault(reference):
        raise StageError(
            f"{reference} must carry a valid signature. Got instead from cosign: {reason}"
        )
    platforms = [each["digest"] for each in manifest.get("manifests", [])] or [digest]
    attested = [verify_attestation(f"{target}@{platform}") for platform in platforms]
    return f"{digest}: bytes, signature{', SBOM' if all(attested) else ''}"


def verify_bytes(target: Destination, digest: str) -> dict[str, Any]:
    """Read a manifest, and of an index those of its platforms, and hold each against its digest."""
    content = target.read(digest)
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if found != digest:
        raise StageError(f"{target} must hold {digest}. Got {found} instead.")
    target.verify(digest)
    manifest: dict[str, Any] = json.loads(content)
    if manifest.get("mediaType") in INDEXES:
        for platform in manifest["manifests"]:
            verify_bytes(target, platform["digest"])
    return manifest


def verify_attestation(reference: str) -> bool:
    """Tell whether an image is attested; raise where that does not count."""
    if not cosign.is_attested(reference):
        return False
    if reason := cosign.attestation_fault(reference):
        raise StageError(
            f"{reference} must carry a valid SBOM attestation. Got instead from cosign: {reason}"
        )
    return True
