"""Read a folder out of an image's layers (OCI image spec 1.1) without running the image."""

from __future__ import annotations

import gzip
import io
import platform
import tarfile
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import IO, Any, cast

from ship.errors import ShipError
from ship.files.bounded import DOCUMENT, LARGEST, Bounded, decoded, refuse_larger
from ship.files.digest import require

Read = Callable[[str], bytes]  # the blob of a digest
Links = dict[PurePosixPath, str]  # where each one leads to
HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
BUNDLE = "/bundle"  # where the Dockerfile puts it
UNPACKED = 8 * 2**30  # bytes of a layer
HOPS = 255  # parts of a path, with those of the links in it
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
# What layers, one on the other, show of a folder. Their digests say of which bytes, so that what
# the images of several models share is unpacked once.
_applied: dict[tuple[str, ...], tuple[dict[str, bytes], Links]] = {}
INDEXES = ("application/vnd.oci.image.index.v1+json",
           "application/vnd.docker.distribution.manifest.list.v2+json")  # fmt: skip


def manifest(read: Read, digest: str) -> dict[str, Any]:
    """Return an image's manifest; of an index, that of its image for this machine, or the first."""
    return document(read, platform_digest(read, digest))


def platform_digest(read: Read, digest: str) -> str:
    """Return the digest of an index's image for this machine, or its first; of an image, its own.

    Only images that the index lists count, as its digest covers theirs.
    """
    images = platforms(read, digest)
    if images == [{"digest": digest}]:
        return digest
    ours = (image for image in images if architecture(image) == HERE)
    return platform_digest(read, next(ours, images[0])["digest"])


def platforms(read: Read, digest: str) -> list[dict[str, Any]]:
    """Return the descriptors of the images that a digest stands for: an index's, or its own.

    BuildKit lists attestations among them, for an unknown platform: they are no images. Raises
    ShipError for an index without an image.
    """
    index = document(read, digest)
    if not is_index(index):
        return [{"digest": digest}]
    images = [
        image for image in index["manifests"]
        if image.get("platform", {}).get("os", "linux") != "unknown"
    ]  # fmt: skip
    if not images:
        raise ShipError(f"{digest} must be an image, or list one. It lists none; build it again.")
    return images


def is_index(document: dict[str, Any]) -> bool:
    """Return whether a document is an index of images."""
    return document.get("mediaType") in INDEXES or "manifests" in document


def architecture(descriptor: dict[str, Any]) -> str | None:
    """Return the architecture in a descriptor of an index."""
    name: str | None = descriptor.get("platform", {}).get("architecture")
    return name


def document(read: Read, digest: str) -> dict[str, Any]:
    """Return the JSON document of a digest; raise ShipError if it is another, or too large."""
    content = verified(read, digest)
    refuse_larger(len(content), DOCUMENT, f"{digest}: bytes of a document")
    return decoded(content, digest)


def verified(read: Read, digest: str) -> bytes:
    """Return a blob; raise ShipError if its digest is another."""
    return require(read(digest), digest, "What was read")


def folder(read: Read, digest: str, path: str) -> dict[str, bytes]:
    """Return the files of a flat folder by their names, as a container would see them.

    Raises ShipError for a broken layer, and for a name that could lead to a file in the folder by
    another way, so that what is read here is what a container reads.
    """
    files: dict[str, bytes] = {}
    links: Links = {}
    layers: tuple[str, ...] = (path,)
    for layer in manifest(read, digest)["layers"]:
        layers = (*layers, layer["digest"])
        if layers not in _applied:
            files, links = dict(files), dict(links)
            add_layer(verified(read, layer["digest"]), layer["digest"], path, files, links)
            _applied[layers] = files, links
        files, links = _applied[layers]
    return dict(files)


def bundle(read: Read, digest: str) -> dict[str, bytes]:
    """Return the files of the bundle in an image by their names; raise ShipError as `folder`."""
    return folder(read, digest, BUNDLE)


def add_layer(
    content: bytes, digest: str, path: str, files: dict[str, bytes], links: Links
) -> None:
    """Add what a layer holds to the files of those below it; raise ShipError for a broken one."""
    try:
        apply(unpacked(content, digest), path, files, links)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise ShipError(f"Layer {digest} must be a tar. Got: {error}") from error


def unpacked(content: bytes, digest: str) -> IO[bytes]:
    """Return a layer as a tar that is unpacked while it is read: a few bytes can unpack to many.

    Raises ShipError for zstd.
    """
    if content[:2] == b"\x1f\x8b":
        file = cast("IO[bytes]", gzip.GzipFile(fileobj=io.BytesIO(content)))
        return cast("IO[bytes]", Bounded(file, digest))
    if content[:4] == b"\x28\xb5\x2f\xfd":
        raise ShipError(f"Layer {digest} must be a tar, gzipped or not. Got zstd instead.")
    return io.BytesIO(content)


def apply(layer: IO[bytes], path: str, files: dict[str, bytes], links: Links) -> None:
    """Add the files of one layer to those of the layers below it, after its whiteouts.

    Raises ShipError for a link in the folder, and for more bytes than a layer may have.
    """
    added: dict[str, bytes] = {}
    with tarfile.open(fileobj=layer, mode="r:") as tar:
        for member in tar:
            refuse_larger(member.offset_data + member.size, UNPACKED, f"{path}: bytes of a layer")
            name = absolute(member.name)
            refuse_detour(name, path, links)
            if member.issym():
                links[name] = member.linkname
            if hides(name, path):
                remove(files, hidden(name), path)
            elif name.is_relative_to(path) and not member.isdir():
                content = tar.extractfile(member) if member.isfile() else None
                if content is None:
                    raise ShipError(f"{name} must be a file in the image. Got a link instead.")
                refuse_larger(member.size, LARGEST, f"{name}: bytes of a file")
                added[flat(name, path)] = content.read()
    files.update(added)


def absolute(name: str) -> PurePosixPath:
    """Return the path of a layer's member in the image; raise ShipError if it contains ".."."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ShipError(f"A layer's names must be plain paths. Got {name[:200]!a} instead.")
    return PurePosixPath("/", *parts)


def refuse_detour(name: PurePosixPath, path: str, links: Links) -> None:
    """Raise ShipError for a name that leads into a folder by a link, as an engine follows it."""
    position, left = PurePosixPath("/"), list(name.parts[1:-1])
    for _ in range(HOPS):
        if not left:
            break
        part = left.pop(0)
        position = position.parent if part == ".." else position / part
        if position in links:
            target = PurePosixPath(position.parent, links[position])
            left, position = [*target.parts[1:], *left], PurePosixPath("/")
    reached = position / name.name
    if left or (reached != name and (hides(reached, path) or is_near(reached, path))):
        raise ShipError(f"{str(name)[:200]!a} must not lead into {path} by a link. It does.")


def is_near(name: PurePosixPath, path: str) -> bool:
    """Return whether a name is in a folder, or above it."""
    return name.is_relative_to(path) or PurePosixPath(path).is_relative_to(name)


def flat(name: PurePosixPath, path: str) -> str:
    """Return the name of a file in a folder; raise ShipError for one further down."""
    if str(name.parent) != path:
        raise ShipError(f"{path} must be a folder of files alone. Got {str(name)[:200]!a} as well.")
    return name.name


def hides(name: PurePosixPath, path: str) -> bool:
    """Return whether a name is a whiteout of the folder, of what is in it, or of what it is in."""
    if not name.name.startswith(WHITEOUT):
        return False
    return is_near(hidden(name), path)


def hidden(name: PurePosixPath) -> PurePosixPath:
    """Return what a whiteout hides: a name, or all that lower layers have in its folder."""
    return name.parent if name.name == OPAQUE else name.with_name(name.name[len(WHITEOUT) :])


def remove(files: dict[str, bytes], target: PurePosixPath, path: str) -> None:
    """Remove the files that a whiteout hides."""
    for name in [name for name in files if PurePosixPath(path, name).is_relative_to(target)]:
        del files[name]
