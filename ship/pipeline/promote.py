"""Release what main has published: a version is the tested digest of its commit, under new tags.

Nothing is built. Registries cannot compare and swap, and several releases may run at once. So a
version's own tag is set first and never moves, and each run goes on until the tags of its series
name the newest of the versions that are there: whoever writes last has looked after writing.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from contract import models as model_folders
from contract.bundle import Bundle, read, read_notes
from judge.render.card import PublishedReference, card
from judge.report import Report
from ship.build.inputs import plan
from ship.command import attempt
from ship.compare.gate_report import REPORT
from ship.compare.published_model import write
from ship.errors import StageError
from ship.files.bounded import decoded
from ship.files.digest import MANIFESTS
from ship.files.replace import replace_file
from ship.files.typed import decode
from ship.host.waiting import wait_for
from ship.pipeline.changed_models import inputs_of
from ship.pipeline.publish import refuse_overwriting, set_tag
from ship.registry import papers
from ship.registry.destination import Destination
from ship.supply_chain import cosign, provenance, publisher
from ship.supply_chain.expected_identity import Wanted
from ship.supply_chain.identity import Claim
from ship.supply_chain.verify import Verified, verify
from ship.tags import Tag, Version, inputs_tag, parse, series, tag_of_head

ROUNDS = 20  # of setting the tags of a series; each other release at the same time may cost one
INTERVAL = 15  # seconds between two looks for what main publishes


@dataclass(frozen=True)
class Promoted:
    """A published image as it is tagged again: by its digest."""

    digest: str
    content: bytes

    @property
    def descriptor(self) -> dict[str, Any]:
        """The mediaType, digest and size of its manifest or index."""
        kind = decoded(self.content, self.digest).get("mediaType", MANIFESTS[0])
        return {"mediaType": kind, "digest": self.digest, "size": len(self.content)}


def promote(model: str, version: Version, target: Destination, wait: float = 0) -> Verified:
    """Give the image of the checked-out commit the tags of a version, and return it.

    Waits up to `wait` seconds for main to publish it. Raises StageError where it does not, for an
    image that main has not signed, and for a version that names another.
    """
    digest = find(model, target, wait)
    verified = verify(target, digest, model)
    refuse_unattested(target, digest)
    own, tag = verified.identity.claim, Tag(str(version), fixed=True)
    image = Promoted(digest, target.read(digest))
    refuse_overwriting(image, [tag], target)
    with target.publishing():
        name(target, digest, own._replace(version=str(version)))
        set_tag(image, tag, target)
        settle(model, version, target)
    print(f"  verified {verify(target, digest, model, str(version))}", flush=True)
    return verified


def find(model: str, target: Destination, wait: float) -> str:
    """Return the digest of what is published of the checked-out commit's inputs.

    Raises StageError where nothing is, or where a tag lies about it.
    """
    inputs, commit = plan(model).image.hash, tag_of_head(model_folders.root())
    tag = inputs_tag(inputs)

    def look() -> str | None:
        """Return the digest that is there now."""
        if (digest := target.resolve(tag)) is None and wait:
            print(f"  {commit} is not published at {target} yet", flush=True)
        return digest

    try:
        digest = wait_for(look, bool, "published", wait, interval=INTERVAL)
    except StageError:
        digest = None
    if digest is None:
        raise StageError(
            f"{target} must hold what main has made of {model} at {commit}, tested and signed. It "
            f"holds none of these inputs. Wait until the run of main for that commit has ended, or "
            "run it again, and then run this again."
        )
    if inputs_of(target, digest) != inputs:
        raise StageError(f"{target}:{tag} must be made from the inputs that it names. It is not: "
                         "the tag was moved. Run main's run again.")  # fmt: skip
    return digest


def refuse_unattested(target: Destination, digest: str) -> None:
    """Raise StageError where a workflow cannot see that main's run has attested an image.

    Outside a workflow nobody has attested it, and main's signature alone is asked for.
    """
    if "ACTIONS_ID_TOKEN_REQUEST_URL" not in os.environ:
        return
    reference = f"{target}@{digest}"
    if not provenance.by_github():
        fault = cosign.attestation_fault(reference, cosign.PROVENANCE)
    else:
        main = ["--source-ref", publisher.MAIN]
        command = ["gh", "attestation", "verify", f"oci://{reference}", *publisher.for_github()]
        result = attempt(*command, *main)
        fault = "" if result.succeeded else result.reason
    if fault:
        raise StageError(f"{reference} must be attested by a run of main. Got instead: {fault}")


def name(target: Destination, digest: str, claim: Claim) -> None:
    """Sign that an image is a version, beside the signature of main, unless that is signed."""
    options = cosign.signer() if target.shared else None
    if options is None:
        return
    releases = Wanted(claim.model, claim.version, str(target)).releases
    if claim not in cosign.signatures(str(target), digest, releases).claims:
        cosign.sign(f"{target}@{digest}", claim, options)


def settle(model: str, version: Version, target: Destination) -> None:
    """Let each series of a version name the newest release in it, as the registry has them.

    Raises StageError where others move the tags without end.
    """
    for _ in range(ROUNDS):
        released = {v for tag in target.tags() if (v := parse(f"v{tag}", model))}
        newest = series(version, released)
        wanted = {tag: target.resolve(str(release)) for tag, release in newest.items()}
        moved = {tag: digest for tag, digest in wanted.items() if digest != target.resolve(tag)}
        if not moved:
            return
        for tag, digest in moved.items():
            if digest:
                target.tag(Promoted(digest, target.read(digest)), tag)
    raise StageError(f"{target}: the tags {', '.join(wanted)} must come to rest. They did not; "
                     "run this again.")  # fmt: skip


def write_assets(
    model: str, version: Version, image: Verified, target: Destination, out: Path
) -> None:
    """Write what was written about an image when it was tested, and a card that names the release.

    The names of the files begin with the model's. Raises StageError for papers that main has not
    signed.
    """
    out.mkdir(parents=True, exist_ok=True)
    files = read_papers(image, target)
    reports = sorted(name for name in files if name.endswith(REPORT))
    if not reports:
        raise StageError(f"The papers of {image.digest} must hold a {REPORT}. Got {sorted(files)}.")
    report = decode(files[reports[0]], Report, Path(reports[0]), "gate")
    reference = f"{target}:{version}@{image.digest}"
    with TemporaryDirectory() as unpacked:
        bundle = read(write(image.bundle, Path(unpacked, model)))
        content = card_of(bundle, report, reference, signed=target.shared)
    for name_of_file, content_of_file in {**files, "card.md": content}.items():
        replace_file(out / f"{model}-{name_of_file}", content_of_file)


def card_of(bundle: Bundle, report: Report, reference: str, *, signed: bool) -> bytes:
    """Return the card of a released model; what is not `signed` has nothing to verify it by."""
    model, tag = bundle.manifest.name, reference.partition("@")[0].rpartition(":")[2]
    commands = [
        cosign.verify_command(reference, model=model),
        cosign.verify_command(reference, Wanted(model, tag, "").releases, model=model, version=tag),
    ] if signed else []  # fmt: skip
    published = PublishedReference(reference, "\n".join(commands))
    return card(bundle.manifest, read_notes(bundle.path), report.segments, published)


def read_papers(image: Verified, target: Destination) -> dict[str, bytes]:
    """Return the papers about an image; raise StageError for what main has not signed."""
    repository = target.beside()
    digest = repository.resolve(papers.tag_of(image.digest))
    if digest is None:
        raise StageError(
            f"{repository} must hold what was written about {image.digest} when it was tested. It "
            "holds nothing of that. Run main's run of this commit again."
        )
    if target.shared:
        signed = cosign.signatures(str(repository), digest)
        if image.identity.claim not in signed.claims:
            got = signed.fault or signed.claims
            raise StageError(f"{repository}@{digest} must be signed as {image.identity.claim}. "
                             f"Got instead from cosign: {got}")  # fmt: skip
    with TemporaryDirectory() as folder:
        return papers.fetch(target, image.digest, digest, Path(folder))
