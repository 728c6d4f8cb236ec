"""Publish exactly the images that were tested: blobs first, by digest; then signatures; tags last.

If it is interrupted, every tag names a whole, signed image or nothing. The next run finishes: what
is there already, by its digest, is neither copied nor signed again.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from contract import models
from contract.bundle import EVALUATION, encode
from ship import git
from ship.errors import ShipError, StageError
from ship.files.replace import replace_file
from ship.files.typed import read
from ship.pipeline.admission import read_manifest
from ship.registry import evaluation_package
from ship.registry.destination import Destination
from ship.registry.image_index import Described, Image, archives_of
from ship.supply_chain import passed_tests
from ship.supply_chain.identity import claim_of
from ship.supply_chain.sign import sign
from ship.supply_chain.verify import verify
from ship.tags import Tag


class Publication(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was published last, and where."""

    destination: str
    digest: str
    tags: list[str]


def refuse_uncommitted(target: Destination) -> None:
    """Raise StageError for uncommitted changes, unless images go to a layout on this machine."""
    if not target.shared:
        return
    for root in (git.TOOL, models.root()):
        if git.is_dirty(root=root):
            raise StageError(
                f"The checkout {git.top(root)} must have no uncommitted change to publish to "
                f"a registry, or the tags of {target} would lie. Commit or stash, then run this "
                "again."
            )


def push(image: Image, tags: list[Tag], target: Destination) -> bool:
    """Bring the image to `target`, without any tag; return whether it was signed.

    Raises StageError for a fixed tag that names another image.
    """
    refuse_overwriting(image, tags, target)
    if holds(target, image):
        print(f"  {target} holds {image.digest} already", flush=True)
    else:
        target.push(image)
        target.verify(image.digest)
        print(f"  pushed {image.digest} to {target}", flush=True)
    return target.shared and sign(image, tags, target)


def push_evaluation(image: Image, file: Path, target: Destination) -> None:
    """Bring the evaluation of an image to the repository beside `target`, if one is kept.

    Raises StageError where `file` is not the one that its bundle names.
    """
    archive = archives_of(image)[0]
    manifest = read_manifest(passed_tests.manifest_of(archive), archive)
    if expected := manifest.beside.get(EVALUATION):
        evaluation_package.push(target, image.digest, file, expected)


def holds(target: Destination, image: Image) -> bool:
    """Return whether `target` has the image by its digest, as far as that can be verified there."""
    try:
        target.verify(image.digest)
    except ShipError:
        return False
    return True


def publish(image: Image, tags: list[Tag], target: Destination) -> None:
    """Make `image` available at `target` under `tags`, which are set in this order.

    Raises StageError for a fixed tag that names another image.
    """
    with target.publishing():
        if push(image, tags, target):
            model = claim_of(archives_of(image)[0].labels, image.digest).model
            names = [tag.name for tag in tags]
            print(f"  verified {verify(target, image.digest, model, *names)}", flush=True)
        for tag in tags:
            set_tag(image, tag, target)


def set_tag(image: Described, tag: Tag, target: Destination) -> None:
    """Set a tag; raise StageError if another run has set a fixed one meanwhile."""
    refuse_overwriting(image, [tag], target)
    if target.resolve(tag.name) != image.digest:
        target.tag(image, tag.name)
        refuse_overwriting(image, [tag], target)


def refuse_overwriting(image: Described, tags: list[Tag], target: Destination) -> None:
    """Raise StageError for a fixed tag that names another image."""
    for tag in tags:
        published = target.resolve(tag.name) if tag.fixed else None
        if published not in (None, image.digest):
            raise StageError(
                f"{target}:{tag.name} is published as {published} and must stay so. "
                f"Got {image.digest} instead. Tag this commit with a new version."
            )


def record_published(file: Path, image: Image, tags: list[Tag], target: Destination) -> None:
    """Write down what was published."""
    names = [tag.name for tag in tags]
    publication = Publication(destination=str(target), digest=image.digest, tags=names)
    replace_file(file, encode(publication))


def read_published(file: Path) -> Publication:
    """Read what was published last; raise StageError for a file that is none of that."""
    return read(file, Publication, "publish")
