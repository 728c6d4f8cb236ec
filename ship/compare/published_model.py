"""Read the published model that a new one is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from contract.bundle import EVALUATION, Bundle, BundleError, read
from contract.console import one_line
from contract.evaluation.record import Record, decode
from ship.build import engine
from ship.errors import ShipError
from ship.files.replace import remove
from ship.registry import evaluation_package, image_files
from ship.registry.destination import Destination
from ship.registry.labels import MODEL
from ship.registry.oci_archive import StoredImage
from ship.tags import MAIN, Version, parse

LONGEST_REASON = 300  # characters, in a report


@dataclass(frozen=True)
class PublishedImage:
    """A published image, as files: its bundle, and its blobs in a layout.

    `digest` is what its tag names; the stored image may be that of one platform of an index.
    """

    reference: str
    digest: str
    bundle: Bundle
    stored: StoredImage
    record: Record | None  # the kept evaluation; None where there is none to be read
    unrecorded: str = ""  # why that is, if somebody could mend it

    @cached_property
    def image(self) -> str:
        """The id of the image in the engine, put there on first use."""
        return engine.load(self.stored)

    def remove(self) -> None:
        """Remove the image from the engine; it is loaded again when it is needed."""
        if "image" in self.__dict__:
            engine.remove_names(self.stored)
            del self.__dict__["image"]


class Unreadable(ShipError):  # noqa: N818 - a finding, told in the report
    """The bundle of a published image cannot be read by this revision."""


def newest(target: Destination, model: str) -> str | None:
    """Return the tag to compare with: main, else the newest release, None if there is neither."""
    tags = target.tags()
    if MAIN in tags:
        return MAIN
    releases = [version for tag in tags if (version := release_version(tag, model))]
    return str(max(releases)) if releases else None


def release_version(tag: str, model: str) -> Version | None:
    """Return the version of a tag that is a release, None for any other tag."""
    version = parse(f"v{tag}", model)
    return None if version is None or version.pre else version


def fetch(target: Destination, model: str, tag: str, into: Path) -> PublishedImage:
    """Read the image that `tag` names now; raise ShipError if there is none.

    Raises Unreadable as `fetch_digest` does.
    """
    digest = target.resolve(tag)
    if digest is None:
        raise ShipError(f"{target}:{tag} must be published. It is not; see: make models")
    return fetch_digest(target, model, digest, f"{target}:{tag}", into)


def fetch_digest(
    target: Destination, model: str, digest: str, reference: str, into: Path
) -> PublishedImage:
    """Read the image `digest` without running it; its bundle is written below `into`.

    Raises Unreadable for an image of another model, or with a bundle of another revision.
    """
    stored = target.local(digest, into / "image")
    refuse_another(reference, stored.labels.get(MODEL, model), model)
    bundle = write(image_files.bundle(stored.blob, stored.digest), into / "bundle")
    try:
        loaded = read(bundle)
    except BundleError as error:
        raise Unreadable(f"{reference} cannot be read by this revision: {error}") from error
    refuse_another(reference, loaded.manifest.name, model)
    record, reason = kept_record(target, loaded, into / "evaluation")
    return PublishedImage(reference, digest, loaded, stored, record, reason)


def kept_record(target: Destination, bundle: Bundle, into: Path) -> tuple[Record | None, str]:
    """Return the kept evaluation of a published bundle, or None and why it cannot be read.

    It may have been withheld from whoever asks, or deleted: the model can be asked again.
    """
    expected = bundle.manifest.beside.get(EVALUATION)
    if expected is None:
        return None, ""
    try:
        return decode(evaluation_package.fetch(target, expected, into), expected, target), ""
    except (ShipError, BundleError) as error:
        reason = one_line(str(error))[:LONGEST_REASON]
        return None, f"its evaluation cannot be read here: {reason}"


def refuse_another(where: str, got: str, model: str) -> None:
    """Check the model that an image's label or bundle names; raise Unreadable for another.

    Images without that label are known by their bundle alone.
    """
    if got != model:
        raise Unreadable(f"{where} must hold {model}. Got {got[:100]!a} instead")


def write(files: dict[str, bytes], folder: Path) -> Path:
    """Write the files of a bundle into a new folder."""
    remove(folder)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)  # a plain name: see `image_files.folder`
    return folder
