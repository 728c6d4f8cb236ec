"""Publish to an OCI layout: a folder that is a registry, and needs no service."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ship import contents
from ship.errors import ShipError
from ship.index import Image, Index, archives_of
from ship.oci import Archive

REF_NAME = "org.opencontainers.image.ref.name"


@dataclass(frozen=True)
class Layout:
    """A destination for one model's images. Files appear whole, by rename, or not at all."""

    folder: Path

    def __str__(self) -> str:
        return f"oci:{os.path.relpath(self.folder)}"

    def digest_of(self, tag: str) -> str | None:
        named = (m["digest"] for m in self._manifests() if self._name(m) == tag)
        return next(named, None)

    def tags(self) -> list[str]:
        return sorted(name for m in self._manifests() if (name := self._name(m)))

    def push(self, image: Image) -> None:
        """Copy every blob that is not here yet; nothing can be reached by a tag."""
        blobs = self.folder / "blobs" / "sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        self._replace(self.folder / "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        for archive in archives_of(image):
            self._copy(archive, blobs)
        if isinstance(image, Index):
            self._replace(blobs / image.digest.removeprefix("sha256:"), image.content)

    @staticmethod
    def _copy(archive: Archive, blobs: Path) -> None:
        with tarfile.open(archive.path) as tar:
            for digest in archive.blobs:
                target = blobs / digest.removeprefix("sha256:")
                member = tar.extractfile(f"blobs/{digest.replace(':', '/')}")
                if member is not None and not target.exists():
                    partial = target.with_name(f".{target.name}.{os.getpid()}")
                    with partial.open("wb") as file:
                        shutil.copyfileobj(member, file)
                        os.fsync(file.fileno())
                    partial.rename(target)

    def tag(self, image: Image, tag: str) -> None:
        """Let `tag` name the image from now on."""
        with self._locked():
            others = [m for m in self._manifests() if self._name(m) != tag]
            entry = {**image.descriptor, "annotations": {REF_NAME: tag}}
            index = {"schemaVersion": 2, "manifests": [*others, entry]}
            self._replace(self.folder / "index.json", json.dumps(index, indent=2).encode())

    def config(self, digest: str) -> bytes:
        """Return the configuration of an image."""
        return self.read(contents.manifest(self.read, digest)["config"]["digest"])

    def local(self, tag: str, _: Path) -> tuple[Layout, str]:
        """Return the layout that holds the image of `tag`, and its tag there: this one."""
        return self, tag

    def read(self, digest: str) -> bytes:
        try:
            return (self.folder / "blobs" / digest.replace(":", "/")).read_bytes()
        except FileNotFoundError:
            raise ShipError(f"{self} must hold {digest}. It does not; see: make models") from None

    def _manifests(self) -> list[dict[str, Any]]:
        index = self.folder / "index.json"
        if not index.exists():
            return []
        manifests: list[dict[str, Any]] = json.loads(index.read_bytes())["manifests"]
        return manifests

    @staticmethod
    def _name(manifest: dict[str, Any]) -> str | None:
        return (manifest.get("annotations") or {}).get(REF_NAME)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @staticmethod
    def _replace(file: Path, content: bytes) -> None:
        partial = file.with_name(f".{file.name}.{os.getpid()}")
        partial.write_bytes(content)
        partial.rename(file)
