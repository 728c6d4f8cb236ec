"""Verify a published image before it is tagged or run.

What was asked for (a model under a tag), what was signed, what the labels say, and the bundle
inside must be the same thing. Everything is read by the digest that the tag named, once.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from contract.bundle import EXAMPLES, MANIFEST, Example
from ship.errors import StageError
from ship.registry import image_files
from ship.registry.destination import Destination
from ship.supply_chain import cosign
from ship.supply_chain.expected_identity import Wanted
from ship.supply_chain.identity import Identity, identify


@dataclass(frozen=True)
class Verified:
    """An image that was verified: what it is, and the bundle that it serves."""

    digest: str
    identity: Identity
    bundle: dict[str, bytes]
    checked: str

    def __str__(self) -> str:
        return f"{self.digest}: {self.checked}"

    @property
    def examples(self) -> list[Example]:
        """The golden examples; reading them raises StageError if there are none."""
        try:
            examples = msgspec.json.decode(self.bundle.get(EXAMPLES, b"[]"), type=list[Example])
        except msgspec.MsgspecError:
            examples = []
        if not examples:
            raise StageError(
                f"{self.digest} must hold golden examples in {image_files.BUNDLE}/{EXAMPLES}. "
                "Got none that can be read. Deploy an image that make pipeline made."
            )
        return examples


def verify(target: Destination, digest: str, model: str, *tags: str) -> Verified:
    """Verify that the image `digest` at `target` is `model`, as each of `tags` promises it.

    Raises StageError, with the reason, for an image that is unknown, altered, not signed by whom
    it must be, or another than was asked for. A layout on this machine holds no signatures: there
    bytes, labels and bundle are verified. Without tags the digest is what was asked for.
    """
    target.verify(digest)
    identity = identify(target, digest)
    wanted = [Wanted(model, tag, str(target)) for tag in tags or (digest,)]
    for promise in wanted:
        promise.refuse_other(identity.claim)
    if target.shared:
        checked = verify_signatures(target, digest, identity, wanted)
    else:
        checked = "bytes (a folder of this machine carries no signature)"
    bundle = read_bundle(target, digest)
    refuse_other_bundle(bundle.get(MANIFEST, b""), wanted[0])
    return Verified(digest, identity, bundle, checked)


def verify_signatures(
    target: Destination, digest: str, identity: Identity, wanted: list[Wanted]
) -> str:
    """Return what is signed and attested; raise StageError if that is not what was asked for."""
    signed = cosign.signatures(str(target), digest)
    if signed.fault:
        raise StageError(
            f"{target}@{digest} must carry a valid signature. Got instead from cosign: "
            f"{signed.fault}. What cosign 3 signed, as the workflows do, only cosign 3 verifies; a "
            "private repository without a key of its own signs nothing."
        )
    for promise in wanted:
        released = (
            cosign.signatures(str(target), digest, promise.releases).claims
            if promise.releases
            else signed.claims
        )
        promise.refuse_unsigned(identity.claim, signed.claims, released)
    images = image_files.platforms(target.read, digest)
    references = [f"{target}@{image['digest']}" for image in images]
    attested = [verify_attestation(reference) for reference in references]
    return f"bytes, signature{', SBOM' if all(attested) else ''}"


def verify_attestation(reference: str) -> bool:
    """Return whether an image is attested.

    Raises StageError for an attestation that is not valid.
    """
    if not cosign.is_attested(reference, cosign.SBOM):
        return False
    if reason := cosign.attestation_fault(reference, cosign.SBOM):
        raise StageError(
            f"{reference} must carry a valid SBOM attestation. Got instead from cosign: {reason}"
        )
    return True


def read_bundle(source: Destination, digest: str) -> dict[str, bytes]:
    """Read the bundle out of an image, or an index's image for this machine, without running it."""
    platform = image_files.platform_digest(source.read, digest)
    with tempfile.TemporaryDirectory() as folder:
        stored = source.local(platform, Path(folder, "image"))
        return image_files.bundle(stored.blob, stored.digest)


def refuse_other_bundle(manifest: bytes, wanted: Wanted) -> None:
    """Raise StageError for an image whose bundle is of another model."""
    try:
        name = json.loads(manifest)["name"]
    except (KeyError, ValueError, TypeError):
        name = None
    if name != wanted.model:
        raise StageError(
            f"{wanted} must hold a bundle of {wanted.model}. Got {name or 'none'} instead. Build "
            f"and publish it again: make pipeline MODEL={wanted.model}"
        )
