"""Read an image in a file or folder by verified digests only.

An archive may come from another machine. All of it is checked against the OCI image spec 1.1 before
it is used, and against what we build: one image, gzipped layers, no other members.
"""

from __future__ import annotations

import os
import re
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any, cast

from ship.errors import ShipError
from ship.files.bounded import DOCUMENT, LARGEST, Bounded, decoded, refuse_larger
from ship.files.digest import (
    CONFIGS,
    LAYERS,
    MANIFESTS,
    NAME,
    CheckedBlob,
    descriptor,
    drain,
    refuse_other_than_strings,
    require_digest,
)

MOST = 1000  # members of an archive; an image has a few dozen blobs
MEMBER = re.compile(r"blobs/sha256/[0-9a-f]{64}|index\.json|oci-layout|manifest\.json")
FOLDERS = ("blobs", "blobs/sha256")


class StoredImage(ABC):
    """The image of one platform, whose blobs are in files of this machine."""

    path: Path  # of the file or folder that it lies in

    @abstractmethod
    def raw(self, digest: str) -> AbstractContextManager[IO[bytes]]:
        """Open the file that is said to be a blob, unverified."""

    @property
    @abstractmethod
    def descriptor(self) -> dict[str, Any]:
        """Return mediaType, digest and size of the image's manifest."""

    @property
    @abstractmethod
    def where(self) -> str:
        """Return where the image lies, for messages."""

    @property
    def digest(self) -> str:
        """The digest of the image's manifest."""
        return str(self.descriptor["digest"])

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest, with checked descriptors; reading a malformed one raises ShipError."""
        manifest = self._document(self.descriptor)
        layers = manifest.get("layers")
        if manifest.get("mediaType", self.descriptor["mediaType"]) != self.descriptor["mediaType"]:
            raise ShipError(f"{self.where} must hold a manifest. Got {manifest['mediaType']!r}.")
        if not isinstance(layers, list) or not layers:
            raise ShipError(f"{self.where}: the manifest must list layers. Got {layers!r} instead.")
        manifest["config"] = descriptor(manifest.get("config"), CONFIGS, self.where)
        manifest["layers"] = [descriptor(layer, LAYERS, self.where) for layer in layers]
        return manifest

    @cached_property
    def config(self) -> dict[str, Any]:
        """The image configuration: user, entrypoint, environment, labels, history.

        Reading it raises ShipError if it is malformed.
        """
        config = self._document(self.manifest["config"])
        for key in ("architecture", "os", *(["variant"] if "variant" in config else [])):
            if not isinstance(config.get(key), str) or not NAME.fullmatch(config[key]):
                raise ShipError(f"{self.where}: {key} must be a name. Got {config.get(key)!a}.")
        refuse_other_than_strings(config.get("config", {}), self.where)
        return config

    @property
    def platform(self) -> dict[str, str]:
        """The platform that the image runs on: os, architecture and, where given, variant."""
        keys = ("architecture", "os", "variant")
        return {key: self.config[key] for key in keys if key in self.config}

    @property
    def architecture(self) -> str:
        """The architecture that the image runs on."""
        return self.platform["architecture"]

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the image."""
        return self.config.get("config", {}).get("Labels") or {}

    @property
    def layers(self) -> list[dict[str, Any]]:
        """The descriptors of the layers."""
        return list(self.manifest["layers"])

    @property
    def compressed_size(self) -> int:
        """The bytes that a pull transfers if it has no layer yet."""
        return sum(layer["size"] for layer in self.layers)

    @property
    def descriptors(self) -> list[dict[str, Any]]:
        """The descriptors of everything that the image consists of, the manifest last."""
        return [*self.layers, self.manifest["config"], self.descriptor]

    @property
    def blobs(self) -> list[str]:
        """The digests of everything that the image consists of."""
        return [descriptor["digest"] for descriptor in self.descriptors]

    @contextmanager
    def open(self, descriptor: dict[str, Any]) -> Iterator[CheckedBlob]:
        """Open a blob; reading it to its end checks its digest and its size."""
        with self.raw(descriptor["digest"]) as source:
            yield CheckedBlob(source, descriptor["digest"], descriptor["size"], self.where)

    def verify(self) -> None:
        """Check every blob; raise ShipError for a wrong one."""
        for expected in self.descriptors:
            with self.open(expected) as blob:
                drain(blob)

    def blob(self, digest: str, limit: int = LARGEST) -> bytes:
        """Return a blob; raise ShipError if its digest is another, or it exceeds `limit` bytes."""
        with self.raw(require_digest(digest, self.where)) as source:
            size = source.seek(0, os.SEEK_END)
            source.seek(0)
            refuse_larger(size, limit, f"{self.where}: blob {digest}")
            return CheckedBlob(source, digest, size, self.where).read()

    def _document(self, descriptor: dict[str, Any]) -> dict[str, Any]:
        refuse_larger(descriptor["size"], DOCUMENT, f"{self.where}: {descriptor['digest']}")
        with self.open(descriptor) as blob:
            return decoded(blob.read(), self.where)


@dataclass(frozen=True)
class Archive(StoredImage):
    """An image in an OCI archive, as `docker buildx build --output type=oci` writes it."""

    path: Path

    @property
    def where(self) -> str:
        """The path of the archive, for messages."""
        return str(self.path)

    @cached_property
    def descriptor(self) -> dict[str, Any]:
        """The descriptor of the image's manifest in index.json.

        Reading it raises ShipError unless there is exactly one.
        """
        with self._member("index.json") as file:
            manifests = decoded(file.read(DOCUMENT), self.where).get("manifests")
        if not isinstance(manifests, list) or len(manifests) != 1:
            number = len(manifests) if isinstance(manifests, list) else "none"
            raise ShipError(f"{self.path} must hold one image. Got {number} instead.")
        return descriptor(manifests[0], MANIFESTS, self.where)

    def raw(self, digest: str) -> AbstractContextManager[IO[bytes]]:
        """Open a blob, unverified."""
        return self._member(f"blobs/{digest.replace(':', '/')}")

    @cached_property
    def _members(self) -> dict[str, tarfile.TarInfo]:
        """The archive's members by name.

        Reading them raises ShipError for any that we would not write. Of two members of a name, or
        of a link, other readers may read another: so there must be none.
        """
        members: dict[str, tarfile.TarInfo] = {}
        with self._tar() as tar:
            for number, member in enumerate(tar):
                name = member.name
                if member.isdir() and name in FOLDERS:
                    continue
                if not is_plain(member) or not MEMBER.fullmatch(name) or name in members:
                    what = "a second" if name in members else "a"
                    raise ShipError(
                        f"{self.path} must be an OCI archive and nothing else. "
                        f"Got {what} member {name[:100]!r}; build it again."
                    )
                refuse_larger(number, MOST, f"{self.path}: the number of members")
                members[name] = member
        return members

    @contextmanager
    def _member(self, name: str) -> Iterator[IO[bytes]]:
        """Open a member; raise ShipError if there is none."""
        member = self._members.get(name)
        if member is None:
            raise ShipError(
                f"{self.path} must be an OCI archive. It holds no {name}; build it again."
            )
        with self._tar() as tar, cast("IO[bytes]", tar.extractfile(member)) as file:
            yield file

    @contextmanager
    def _tar(self) -> Iterator[tarfile.TarFile]:
        try:
            opened = self.path.open("rb")
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            with opened, tarfile.open(fileobj=bounded(opened, self.where), mode="r:") as tar:
                yield tar
        except tarfile.TarError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> ShipError:
        return ShipError(f"{self.path} must be an OCI archive. Got instead: {error}; build it: "
                         "make image MODEL=…")  # fmt: skip


def bounded(file: IO[bytes], where: str) -> IO[bytes]:
    """Return a file whose single reads are limited."""
    return cast("IO[bytes]", Bounded(file, where))


def is_plain(member: tarfile.TarInfo) -> bool:
    """Return whether a member is a file whose bytes are in the archive as they are."""
    return member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
