"""Small real images, as OCI archives."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

from ship.registry.oci_archive import Archive

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
MakeArchive = Callable[..., Archive]
REVISION = "0123456789abcdef0123456789abcdef01234567"
CREATED = "2026-01-01T00:00:00Z"


def labelled(model: str, version: str = "2026.01.01-0123456") -> dict[str, str]:
    """Return the labels by which an image says what it is."""
    return {
        "model-images.model": model,
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.revision": REVISION,
    }


def tar(files: dict[str, bytes]) -> bytes:
    """Return a tar of files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def oci_archive(
    path: Path,
    files: dict[str, bytes],
    labels: dict[str, str],
    architecture: str = "amd64",
    created: str = CREATED,
) -> Archive:
    """Write an OCI archive of an image with one layer."""
    blobs: dict[str, bytes] = {}

    def add(blob: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(blob).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = blob
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(blob)}

    root = tar(files)
    config = {
        "created": created,
        "architecture": architecture,
        "os": "linux",
        "config": {"Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(root).hexdigest()}"]},
    }
    layer = add(gzip.compress(root, mtime=0), LAYER)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": add(json.dumps(config).encode(), CONFIG),
        "layers": [layer],
    }
    index = {"schemaVersion": 2, "manifests": [add(json.dumps(manifest).encode(), MANIFEST)]}
    blobs["index.json"] = json.dumps(index).encode()
    blobs["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
    path.write_bytes(tar(blobs))
    return Archive(path)
