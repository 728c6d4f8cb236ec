"""Where one model's images are published: a folder on this machine, or a registry."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, Protocol

from ship.registry.image_index import Image
from ship.registry.layout import Layout
from ship.registry.oci_archive import StoredImage
from ship.registry.remote import Registry
from ship.settings import registry


class Destination(Protocol):
    """What can be done where a model's images are published."""

    shared: ClassVar[bool]  # others pull from here: what is published is committed, and signed

    def digest_of(self, tag: str) -> str | None: ...
    def tags(self) -> list[str]: ...
    def push(self, image: Image) -> None: ...
    def tag(self, image: Image, tag: str) -> None: ...
    def publishing(self) -> AbstractContextManager[None]: ...
    def verify(self, digest: str) -> None: ...
    def read(self, digest: str) -> bytes: ...
    def config(self, digest: str) -> bytes: ...
    def referrers(self, digest: str, /) -> list[dict[str, Any]]: ...
    def local(self, digest: str, folder: Path, /) -> StoredImage: ...


def destination(model: str, dist: Path) -> Destination:
    """Return the OCI layout under `dist`, or the repository below REGISTRY=host/owner."""
    owner = registry()
    return Registry(f"{owner}/{model}") if owner else Layout(dist / "registry" / model)
