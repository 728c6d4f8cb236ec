"""Publish the very archive that was tested: bytes first, by digest; tags last, one by one.

Interrupted anywhere, a tag names a whole image or nothing, and the next run finishes the job.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Protocol

from ship import git
from ship.errors import StageError
from ship.layout import Layout
from ship.oci import Archive
from ship.registry import Registry
from ship.tags import Tag


class Destination(Protocol):
    """Where one model's images are published."""

    def digest_of(self, tag: str) -> str | None: ...
    def tags(self) -> list[str]: ...
    def push(self, archive: Archive) -> None: ...
    def tag(self, archive: Archive, tag: str) -> None: ...
    def read(self, digest: str) -> bytes: ...
    def config(self, digest: str) -> bytes: ...
    def local(self, tag: str, folder: Path, /) -> tuple[Layout, str]: ...


def destination(model: str, dist: Path) -> Destination:
    """Return the OCI layout under `dist`, or the repository below REGISTRY=host/owner."""
    registry = os.environ.get("REGISTRY", "").rstrip("/").lower()
    return Registry(f"{registry}/{model}") if registry else Layout(dist / "registry" / model)


def refuse_uncommitted(target: Destination) -> None:
    """Keep what no commit holds out of a registry; a layout here may be tried out with it."""
    if isinstance(target, Registry) and git.is_dirty():
        raise StageError(
            "The checkout must have no uncommitted change to publish to a registry, "
            f"or the tags of {target} would lie. Commit or stash, then run this again."
        )


def publish(archive: Archive, tags: list[Tag], target: Destination) -> None:
    """Make `archive` reachable at `target` under `tags`, whose order is the order of setting."""
    refuse_overwriting(archive, tags, target)
    target.push(archive)
    verify(archive, target)
    for tag in tags:
        if target.digest_of(tag.name) != archive.digest:
            target.tag(archive, tag.name)


def refuse_overwriting(archive: Archive, tags: list[Tag], target: Destination) -> None:
    for tag in tags:
        published = target.digest_of(tag.name) if tag.fixed else None
        if published not in (None, archive.digest):
            raise StageError(
                f"{target}:{tag.name} is published as {published} and must stay so. "
                f"Got {archive.digest} instead. Tag this commit with a new version."
            )


def verify(archive: Archive, target: Destination) -> None:
    """Read the manifest back from the destination and hold it against the tested digest."""
    found = f"sha256:{hashlib.sha256(target.read(archive.digest)).hexdigest()}"
    if found != archive.digest:
        raise StageError(f"{target} must hold {archive.digest}. Got {found} instead.")
