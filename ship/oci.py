"""Read an image where it lies: an OCI archive (a tar) or an OCI layout (a folder)."""

from __future__ import annotations

import hashlib
import json
import tarfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from ship.errors import ShipError


@dataclass(frozen=True)
class Archive:
    """One image in an OCI archive, as `docker buildx build --output type=oci` writes it."""

    path: Path

    @cached_property
    def descriptor(self) -> dict[str, Any]:
        """The entry of index.json: mediaType, digest and size of the image's manifest."""
        manifests = json.loads(self.read("index.json"))["manifests"]
        if len(manifests) != 1:
            raise ShipError(f"{self.path} must hold one image. Got {len(manifests)} instead.")
        kept: dict[str, Any] = {
            key: manifests[0][key] for key in ("mediaType", "digest", "size") if key in manifests[0]
        }  # fmt: skip
        return kept

    @property
    def digest(self) -> str:
        return str(self.descriptor["digest"])

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return self._json(self.digest)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The image configuration: user, entrypoint, environment, labels, history."""
        return self._json(self.manifest["config"]["digest"])

    @property
    def platform(self) -> dict[str, str]:
        """The machine that the image runs on: os, architecture and, where given, its variant."""
        keys = ("architecture", "os", "variant")
        return {key: self.config[key] for key in keys if key in self.config}

    @property
    def labels(self) -> dict[str, str]:
        return self.config["config"].get("Labels") or {}

    @property
    def layers(self) -> list[dict[str, Any]]:
        return list(self.manifest["layers"])

    @property
    def compressed_size(self) -> int:
        """Bytes that a pull without any shared layer transfers."""
        return sum(layer["size"] for layer in self.layers)

    @property
    def blobs(self) -> list[str]:
        """Digests of everything the image consists of, the manifest last."""
        return [*(layer["digest"] for layer in self.layers), self.manifest["config"]["digest"],
                self.digest]  # fmt: skip

    def read(self, name: str) -> bytes:
        with tarfile.open(self.path) as tar, self._member(tar, name) as member:
            return member.read()

    def blob(self, digest: str) -> bytes:
        """Read a blob and hold it against its digest."""
        content = self.read(f"blobs/{digest.replace(':', '/')}")
        found = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if found != digest:
            raise ShipError(
                f"{self.path}: blob {digest} must have that digest. Got {found} instead."
            )
        return content

    def _member(self, tar: tarfile.TarFile, name: str) -> IO[bytes]:
        try:
            member = tar.extractfile(name)
        except KeyError:
            member = None
        if member is None:
            raise ShipError(
                f"{self.path} must be an OCI archive. It holds no {name}; build it again."
            )
        return member

    def _json(self, digest: str) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self.blob(digest))
        return decoded
