"""Publish to an OCI image layout (image spec 1.1): a folder that needs no service."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, ClassVar

from ship.errors import ShipError
from ship.files.bounded import DOCUMENT, LARGEST, decoded, refuse_larger
from ship.files.digest import MANIFESTS, CheckedBlob, descriptor, drain, require, require_digest
from ship.files.replace import replace_file
from ship.registry import image_files
from ship.registry.image_index import Content, Described, Index, stored_in
from ship.registry.labels import OCI
from ship.registry.oci_archive import StoredImage

REF_NAME = f"{OCI}ref.name"


@dataclass(frozen=True)
class Layout:
    """A destination for one model's images; files appear whole, by rename, or not at all."""

    folder: Path
    shared: ClassVar = False

    def __str__(self) -> str:
        return f"oci:{os.path.relpath(self.folder)}"

    def resolve(self, tag: str) -> str | None:
        """Return the digest that a tag names, None for no such tag."""
        named = (m["digest"] for m in self._manifests() if self._name(m) == tag)
        return next(named, None)

    def tags(self) -> list[str]:
        """Return every tag."""
        return sorted(name for m in self._manifests() if (name := self._name(m)))

    def push(self, image: Content) -> None:
        """Copy every blob that is not there yet; no tag is set."""
        blobs = self.folder / "blobs" / "sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        replace_file(self.folder / "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        for stored in stored_in(image):
            for blob in stored.descriptors:
                self._copy(stored, blob)
        if isinstance(image, Index):
            replace_file(self._file(image.digest), image.content)

    def _copy(self, image: StoredImage, blob: dict[str, Any]) -> None:
        """Copy a blob, or verify the one of that name that is there already."""
        target = self._file(blob["digest"])
        if target.exists():
            self.verify_blob(blob)
            return
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        partial.unlink(missing_ok=True)
        try:
            with image.open(blob) as source, partial.open("xb") as file:
                shutil.copyfileobj(source, file)
                os.fsync(file.fileno())
            partial.rename(target)
        finally:
            partial.unlink(missing_ok=True)

    def tag(self, image: Described, tag: str) -> None:
        """Make `tag` name the image from now on."""
        with self._locked(".lock"):
            others = [m for m in self._manifests() if self._name(m) != tag]
            entry = {**image.descriptor, "annotations": {REF_NAME: tag}}
            index = {"schemaVersion": 2, "manifests": [*others, entry]}
            replace_file(self.folder / "index.json", json.dumps(index, indent=2).encode())

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Keep other processes on this machine from publishing meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked(".publishing"):
            yield

    def config(self, digest: str) -> bytes:
        """Return the configuration of an image; of an index, that for this machine."""
        return image_files.verified(
            self.read, image_files.manifest(self.read, digest)["config"]["digest"]
        )

    def referrers(self, _: str) -> list[dict[str, Any]]:
        """Return nothing: a layout keeps no list of what refers to an image."""
        return []

    def image(self, digest: str) -> StoredImage:
        """Return an image; of an index, that for this machine, or the first."""
        return LayoutImage(self, image_files.platform_digest(self.read, digest))

    def local(self, digest: str, _: Path) -> StoredImage:
        """Return an image, which is on this machine already."""
        return self.image(digest)

    def beside(self) -> Layout:
        """Return the layout for the evaluations of the model."""
        return Layout(self.folder.with_name(f"{self.folder.name}-evaluation"))

    def read(self, digest: str) -> bytes:
        """Return a blob, unverified; raise ShipError if it is absent or too large."""
        with self.open(digest) as file:
            refuse_larger(os.fstat(file.fileno()).st_size, LARGEST, f"{self}: blob {digest}")
            return file.read()

    def open(self, digest: str) -> IO[bytes]:
        """Open a blob, unverified; raise ShipError if it is absent."""
        try:
            return self._file(require_digest(digest, self)).open("rb")
        except FileNotFoundError:
            raise ShipError(f"{self} must hold {digest}. It does not; see: make models") from None

    def verify(self, digest: str) -> None:
        """Check every blob of an image, or of all images of an index.

        Raises ShipError for a wrong one.
        """
        document = image_files.document(self.read, digest)
        if image_files.is_index(document):
            for entry in document["manifests"]:
                platform = descriptor(entry, (*MANIFESTS, *image_files.INDEXES), self)
                self.verify_blob(platform)
                self.verify(platform["digest"])
        else:
            LayoutImage(self, digest).verify()

    def verify_blob(self, blob: dict[str, Any]) -> None:
        """Check a blob by its descriptor; raise ShipError if digest or size differ."""
        with self.open(blob["digest"]) as file:
            drain(CheckedBlob(file, blob["digest"], blob["size"], self))

    def _file(self, digest: str) -> Path:
        return self.folder / "blobs" / digest.replace(":", "/")

    def _manifests(self) -> list[dict[str, Any]]:
        index = self.folder / "index.json"
        if not index.exists():
            return []
        refuse_larger(index.stat().st_size, DOCUMENT, str(index))
        manifests: list[dict[str, Any]] = decoded(index.read_bytes(), index)["manifests"]
        for entry in manifests:
            descriptor(entry, (*MANIFESTS, *image_files.INDEXES), index)
        return manifests

    @staticmethod
    def _name(manifest: dict[str, Any]) -> str | None:
        return (manifest.get("annotations") or {}).get(REF_NAME)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(self.folder / name, flags, 0o666), "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


@dataclass(frozen=True)
class LayoutImage(StoredImage):
    """The image of one platform in a layout."""

    layout: Layout
    named: str

    @property
    def path(self) -> Path:  # type: ignore[override] # read-only here
        """The folder of the layout."""
        return self.layout.folder

    @property
    def where(self) -> str:
        """The name of the layout, for messages."""
        return str(self.layout)

    @cached_property
    def descriptor(self) -> dict[str, Any]:
        """The mediaType, digest and size of the image's manifest."""
        content = require(self.layout.read(self.named), self.named, self.layout)
        kind = decoded(content, self.where).get("mediaType", MANIFESTS[0])
        described = {"mediaType": kind, "digest": self.named, "size": len(content)}
        return descriptor(described, MANIFESTS, self.where)

    def raw(self, digest: str) -> AbstractContextManager[IO[bytes]]:
        """Open a blob, unverified."""
        return self.layout.open(digest)
