"""A published image on its way to where it serves: fetched by its digest."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ship import contents
from ship.build import run, uses_containerd
from ship.contents import INDEXES
from ship.destination import Destination
from ship.layout import Layout

NAMED = "io.containerd.image.name"  # what `docker load` calls an image


@dataclass(frozen=True)
class Image:
    """One image of a model, named so that an engine, and of a registry a cluster too, finds it."""

    model: str
    digest: str
    reference: str


def fetch(source: Destination, model: str, digest: str) -> Image:
    """Put an image into the engine, and return it under a name that no tag can change."""
    if isinstance(source, Layout):
        return load(source, model, digest)
    reference = f"{source}@{digest}"
    run("docker", "pull", "--quiet", reference)
    return Image(model, digest, reference)


def load(layout: Layout, model: str, digest: str) -> Image:
    """Load an image from a folder into the engine, every blob held against its digest."""
    named = f"model-images/{model}:{digest.removeprefix('sha256:')[:12]}"
    if not uses_containerd():
        with tempfile.TemporaryDirectory() as folder:
            archive(layout, digest, named, Path(folder, "image.tar"))
            source = f"oci-archive:{folder}/image.tar"
            run("skopeo", "copy", "--quiet", source, f"docker-daemon:{named}")
        found = run("docker", "image", "inspect", "--format={{.Id}}", named).strip()
        return Image(model, digest, found)
    reference = f"model-images/{model}@{digest}"
    known = subprocess.run(
        ["docker", "image", "inspect", reference], capture_output=True, check=False
    )
    if known.returncode:
        with tempfile.TemporaryDirectory() as folder:
            archive(layout, digest, named, Path(folder, "image.tar"))
            run("docker", "load", "--quiet", f"--input={folder}/image.tar")
    return Image(model, digest, reference)


def archive(layout: Layout, digest: str, name: str, path: Path) -> None:
    """Write an OCI archive of one image of a layout."""
    manifest = contents.document(layout.read, digest)
    descriptor = {
        "mediaType": manifest["mediaType"],
        "digest": digest,
        "size": len(layout.read(digest)),
        "annotations": {NAMED: f"docker.io/{name}"},
    }
    index = {"schemaVersion": 2, "manifests": [descriptor]}
    with tarfile.open(path, "w") as tar:
        add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        add(tar, "index.json", json.dumps(index).encode())
        for blob in blobs(layout, digest):
            add(tar, f"blobs/{blob.replace(':', '/')}", contents.verified(layout.read, blob))


def blobs(layout: Layout, digest: str) -> list[str]:
    """Return the digests of all that an image, or an index of images, consists of."""
    manifest: dict[str, Any] = contents.document(layout.read, digest)
    if manifest.get("mediaType") in INDEXES:
        below = [blob for each in manifest["manifests"] for blob in blobs(layout, each["digest"])]
    else:
        below = [each["digest"] for each in (manifest["config"], *manifest["layers"])]
    return list(dict.fromkeys([digest, *below]))


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
