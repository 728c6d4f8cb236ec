"""Read a folder out of an image's layers, without running the image."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from ship.errors import ShipError

Read = Callable[[str], bytes]  # the blob of a digest
HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
INDEXES = ("application/vnd.oci.image.index.v1+json",
           "application/vnd.docker.distribution.manifest.list.v2+json")  # fmt: skip


def manifest(read: Read, digest: str) -> dict[str, Any]:
    """Return an image's manifest; of an index, that of the image for this machine, or the first."""
    return document(read, platform_digest(read, digest))


def platform_digest(read: Read, digest: str) -> str:
    """Return the digest of the image for this machine in an index, or the first; itself of others.

    Only what the index lists counts: the digest of an index covers those of its images.
    """
    found = document(read, digest)
    if found.get("mediaType") in INDEXES or "manifests" in found:
        images = [
            each for each in found["manifests"]
            if each.get("platform", {}).get("os", "linux") != "unknown"
        ]  # fmt: skip
        ours = (each for each in images if architecture(each) == HERE)
        return platform_digest(read, next(ours, images[0])["digest"])
    return digest


def architecture(descriptor: dict[str, Any]) -> str | None:
    found: str | None = descriptor.get("platform", {}).get("architecture")
    return found


def document(read: Read, digest: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(verified(read, digest))
    return decoded


def verified(read: Read, digest: str) -> bytes:
    content = read(digest)
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if found != digest:
        raise ShipError(f"Blob {digest} must have that digest. Got {found} instead.")
    return content


def folder(read: Read, digest: str, path: str) -> dict[str, bytes]:
    """Return the files below `path` by their names relative to it, as the image would show them."""
    files: dict[str, bytes] = {}
    for layer in manifest(read, digest)["layers"]:
        apply(unpacked(verified(read, layer["digest"]), layer["digest"]), path, files)
    return files


def unpacked(content: bytes, digest: str) -> bytes:
    if content[:2] == b"\x1f\x8b":
        return gzip.decompress(content)
    if content[:4] == b"\x28\xb5\x2f\xfd":
        raise ShipError(f"Layer {digest} must be a tar, gzipped or not. Got zstd instead.")
    return content


def apply(layer: bytes, path: str, files: dict[str, bytes]) -> None:
    """Add what one layer holds to the files of those below it: what it hides goes first."""
    added: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        for member in tar:
            name = PurePosixPath("/", member.name)
            if hides(name, path):
                remove(files, hidden(name), path)
            elif name.is_relative_to(path) and not member.isdir():
                content = tar.extractfile(member) if member.isfile() or member.islnk() else None
                if content is None:
                    raise ShipError(f"{name} must be a file in the image. Got a link instead.")
                added[str(name.relative_to(path))] = content.read()
    files.update(added)


def hides(name: PurePosixPath, path: str) -> bool:
    if not name.name.startswith(WHITEOUT):
        return False
    target = hidden(name)
    return target.is_relative_to(path) or PurePosixPath(path).is_relative_to(target)


def hidden(name: PurePosixPath) -> PurePosixPath:
    """Return what a whiteout hides: a name, or all of its folder that lower layers hold."""
    return name.parent if name.name == OPAQUE else name.with_name(name.name[len(WHITEOUT) :])


def remove(files: dict[str, bytes], target: PurePosixPath, path: str) -> None:
    for name in [name for name in files if PurePosixPath(path, name).is_relative_to(target)]:
        del files[name]
