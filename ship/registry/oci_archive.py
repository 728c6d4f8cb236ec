"""Read an image where it lies, by digests alone: nothing that no verified digest leads to is read.

An archive may come from another machine. Whatever it says is held to the OCI image spec 1.1 before
it is used, and to what we build: one image, gzipped layers, no member that such an archive lacks.
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
    Verified,
    checked,
    descriptor,
    drain,
    refuse_other_than_strings,
)

MOST = 1000  # members of an archive; an image has a few dozen blobs
MEMBER = re.compile(r"blobs/sha256/[0-9a-f]{64}|index\.json|oci-layout|manifest\.json")
FOLDERS = ("blobs", "blobs/sha256")


class StoredImage(ABC):
    """One image for one platform, whose blobs are in files of this machine."""

    path: Path  # of the file or folder that it lies in

    @abstractmethod
    def raw(self, digest: str) -> AbstractContextManager[IO[bytes]]:
        """Open the file that is said to be this blob; nothing has been verified of it."""

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
        return str(self.descriptor["digest"])

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest; every descriptor in it is one that may be followed."""
        found = self._document(self.descriptor)
        layers = found.get("layers")
        if found.get("mediaType", self.descriptor["mediaType"]) != self.descriptor["mediaType"]:
            raise ShipError(f"{self.where} must hold a manifest. Got {found['mediaType']!r}.")
        if not isinstance(layers, list) or not layers:
            raise ShipError(f"{self.where}: the manifest must list layers. Got {layers!r} instead.")
        found["config"] = descriptor(found.get("config"), CONFIGS, self.where)
        found["layers"] = [descriptor(layer, LAYERS, self.where) for layer in layers]
        return found

    @cached_property
    def config(self) -> dict[str, Any]:
        """The image configuration: user, entrypoint, environment, labels, history."""
        found = self._document(self.manifest["config"])
        for key in ("architecture", "os", *(["variant"] if "variant" in found else [])):
            if not isinstance(found.get(key), str) or not NAME.fullmatch(found[key]):
                raise ShipError(f"{self.where}: {key} must be a name. Got {found.get(key)!a}.")
        refuse_other_than_strings(found.get("config", {}), self.where)
        return found

    @property
    def platform(self) -> dict[str, str]:
        """The machine that the image runs on: os, architecture and, where given, its variant."""
        keys = ("architecture", "os", "variant")
        return {key: self.config[key] for key in keys if key in self.config}

    @property
    def architecture(self) -> str:
        return self.platform["architecture"]

    @property
    def labels(self) -> dict[str, str]:
        return self.config.get("config", {}).get("Labels") or {}

    @property
    def layers(self) -> list[dict[str, Any]]:
        return list(self.manifest["layers"])

    @property
    def compressed_size(self) -> int:
        """Bytes that a pull without any shared layer transfers."""
        return sum(layer["size"] for layer in self.layers)

    @property
    def descriptors(self) -> list[dict[str, Any]]:
        """Return digest and size of everything the image consists of, the manifest last."""
        return [*self.layers, self.manifest["config"], self.descriptor]

    @property
    def blobs(self) -> list[str]:
        return [each["digest"] for each in self.descriptors]

    @contextmanager
    def open(self, descriptor: dict[str, Any]) -> Iterator[Verified]:
        """Open a blob; reading it to its end verifies its digest and its size."""
        with self.raw(descriptor["digest"]) as source:
            yield Verified(source, descriptor["digest"], descriptor["size"], self.where)

    def verify(self) -> None:
        """Read every blob, for nothing but to hold it against its digest and its size."""
        for each in self.descriptors:
            with self.open(each) as blob:
                drain(blob)

    def blob(self, digest: str, limit: int = LARGEST) -> bytes:
        """Read a blob and hold it against its digest."""
        with self.raw(checked(digest, self.where)) as source:
            size = source.seek(0, os.SEEK_END)
            source.seek(0)
            refuse_larger(size, limit, f"{self.where}: blob {digest}")
            return Verified(source, digest, size, self.where).read()

    def _document(self, descriptor: dict[str, Any]) -> dict[str, Any]:
        refuse_larger(descriptor["size"], DOCUMENT, f"{self.where}: {descriptor['digest']}")
        with self.open(descriptor) as blob:
            return decoded(blob.read(), self.where)


@dataclass(frozen=True)
class Archive(StoredImage):
    """One image in an OCI archive, as `docker buildx build --output type=oci` writes it."""

    path: Path

    @property
    def where(self) -> str:
        return str(self.path)

    @cached_property
    def descriptor(self) -> dict[str, Any]:
        """The entry of index.json: mediaType, digest and size of the image's manifest."""
        with self._member("index.json") as file:
            found = decoded(file.read(DOCUMENT), self.where).get("manifests")
        if not isinstance(found, list) or len(found) != 1:
            number = len(found) if isinstance(found, list) else "none"
            raise ShipError(f"{self.path} must hold one image. Got {number} instead.")
        return descriptor(found[0], MANIFESTS, self.where)

    def raw(self, digest: str) -> AbstractContextManager[IO[bytes]]:
        return self._member(f"blobs/{digest.replace(':', '/')}")

    @cached_property
    def _members(self) -> dict[str, tarfile.TarInfo]:
        """The archive's members by name; raises ShipError for any that we would not have written.

        Other readers take the first of two members of a name, or follow a link: there is none.
        """
        found: dict[str, tarfile.TarInfo] = {}
        with self._tar() as tar:
            for number, member in enumerate(tar):
                name = member.name
                if member.isdir() and name in FOLDERS:
                    continue
                if not is_plain(member) or not MEMBER.fullmatch(name) or name in found:
                    what = "a second" if name in found else "a"
                    raise ShipError(
                        f"{self.path} must be an OCI archive and nothing else. "
                        f"Got {what} member {name[:100]!r}; build it again."
                    )
                refuse_larger(number, MOST, f"{self.path}: the number of members")
                found[name] = member
        return found

    @contextmanager
    def _member(self, name: str) -> Iterator[IO[bytes]]:
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
    return cast("IO[bytes]", Bounded(file, where))


def is_plain(member: tarfile.TarInfo) -> bool:
    """Tell whether a member is a file whose bytes are in the archive as they are."""
    return member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
