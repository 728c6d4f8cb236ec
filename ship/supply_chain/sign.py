"""Sign a pushed image, and attest its SBOM, before any tag names it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from ship.build.workspace import SPDX
from ship.errors import StageError
from ship.files.bounded import decoded
from ship.registry.destination import Destination
from ship.registry.image_index import Image, archives_of
from ship.registry.oci_archive import Archive
from ship.supply_chain import cosign, passed_tests
from ship.supply_chain.expected_identity import Wanted, is_release, is_version
from ship.supply_chain.identity import Claim, claim_of
from ship.supply_chain.sbom import refuse_foreign
from ship.supply_chain.verify import refuse_other_bundle
from ship.tags import Tag

UNSIGNED = (
    "not signed: set COSIGN_KEY and COSIGN_PUBLIC_KEY to sign with a key of yours. A workflow of a "
    "private repository signs without a key only with SIGNING=keyless, as a public log keeps the "
    "repository's name."
)


def sign(image: Image, tags: Iterable[Tag], target: Destination) -> bool:
    """Sign the image by its labels and once for each version among `tags`, and attest its SBOMs.

    What is signed already is left as it is, so that publishing again adds nothing. Returns False if
    there is nothing to sign with; raises StageError for an image that does not say what it is.
    """
    options = cosign.signer()
    if options is None:
        print(f"  {UNSIGNED}")
        return False
    sboms = {archive.digest: sbom_of(archive) for archive in archives_of(image)}
    signed = cosign.signatures(str(target), image.digest).claims
    for claim in claims(image, tags, str(target)):
        if claim not in signed:
            refuse_unreleased(claim, tags)
            cosign.sign(f"{target}@{image.digest}", claim, options)
    for digest, sbom in sboms.items():
        platform = f"{target}@{digest}"
        if cosign.attestation_fault(platform, cosign.SBOM):
            attest(sbom, platform, options)
    return True


def attest(sbom: bytes, reference: str, options: list[str]) -> None:
    """Attest an SBOM as it was read and verified, whatever has become of its file since."""
    with TemporaryDirectory() as folder:
        verified = Path(folder, SPDX)
        verified.write_bytes(sbom)
        cosign.attest(reference, cosign.SBOM, str(verified), options)


def sbom_of(archive: Archive) -> bytes:
    """Return the SBOM that the scan recorded; raise StageError for any other."""
    content = passed_tests.evidence(archive, SPDX)
    refuse_foreign(decoded(content, SPDX), SPDX, archive)
    return content


def claims(image: Image, tags: Iterable[Tag], where: str) -> list[Claim]:
    """Return what an image is signed as: what its labels say, and each version it is tagged as.

    Raises StageError if it serves another model than its labels say.
    """
    own = [claim_of(archive.labels, archive.digest) for archive in archives_of(image)]
    for archive in archives_of(image):
        refuse_other_bundle(
            passed_tests.manifest_of(archive), Wanted(own[0].model, archive.digest, where)
        )
    released = [own[0]._replace(version=tag.name) for tag in tags if is_version(tag.name)]
    return list(dict.fromkeys([*own, *released]))


def refuse_unreleased(claim: Claim, tags: Iterable[Tag]) -> None:
    """Raise StageError for a label that claims a release without its git tag."""
    if is_release(claim.version) and claim.version not in [tag.name for tag in tags]:
        raise StageError(
            f"The label version must be a release only where git has its tag. Got {claim.version} "
            f"without one. Tag it ({claim.model}-v{claim.version}), or train under another VERSION."
        )
