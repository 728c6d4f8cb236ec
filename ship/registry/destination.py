"""Where one model's images are published: a folder on this machine, or a registry."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, Protocol

from ship.registry.image_index import Content, Described
from ship.registry.layout import Layout
from ship.registry.oci_archive import StoredImage
from ship.registry.remote import Registry
from ship.settings import registry


class Destination(Protocol):
    """A place where images of one model are published: a repository of a registry, or a folder.

    Its methods raise ShipError for what is not there or cannot be had. Tags, digests, manifests and
    referrers are those of the OCI distribution spec 1.1.
    """

    shared: ClassVar[bool]  # others pull from here: what is published is committed, and signed

    def resolve(self, tag: str) -> str | None:
        """Return the digest that a tag names, None for no such tag."""

    def tags(self) -> list[str]:
        """Return every tag, sorted."""

    def push(self, image: Content) -> None:
        """Copy an image by its digest, every blob verified; no tag is set."""

    def tag(self, image: Described, tag: str) -> None:
        """Make `tag` name an image that is there, from now on, at once."""

    def publishing(self) -> AbstractContextManager[None]:
        """Keep others from publishing meanwhile, as far as that is possible."""

    def verify(self, digest: str) -> None:
        """Check what an image consists of by its digests, as far as it can be read here."""

    def read(self, digest: str) -> bytes:
        """Return a manifest or an index, which the caller checks by its digest."""

    def config(self, digest: str) -> bytes:
        """Return the verified configuration of an image; of an index, that for this machine."""

    def referrers(self, digest: str, /) -> list[dict[str, Any]]:
        """Return the descriptors of what is listed as referring to an image."""

    def local(self, digest: str, folder: Path, /) -> StoredImage:
        """Return an image on this machine, copied to `folder` unless it is here already."""

    def beside(self) -> Destination:
        """Return the place for the evaluations of the model, whose readers may be others."""


def destination(model: str, dist: Path) -> Destination:
    """Return the OCI layout under `dist`, or the repository below REGISTRY=host/owner."""
    owner = registry()
    return Registry(f"{owner}/{model}") if owner else Layout(dist / "registry" / model)
