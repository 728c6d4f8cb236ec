"""Other images made of a built one, by changing its configuration: no build, the same layers."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from ship.registry.oci_archive import Archive

IMPOSTOR = (Path(__file__).parent / "impostor.py").read_text()


def variant(archive: Archive, path: Path, created: str = "", **config: Any) -> Archive:
    """Write a copy of an image whose configuration holds `config` as well, under a new digest."""
    document = json.loads(archive.blob(archive.manifest["config"]["digest"]))
    document["config"] |= config
    document["created"] = created or document["created"]
    content = json.dumps(document).encode()
    manifest = {**archive.manifest, "config": {**archive.manifest["config"], **describe(content)}}
    encoded = json.dumps(manifest).encode()
    index = {"schemaVersion": 2, "manifests": [{**archive.descriptor, **describe(encoded)}]}
    with tarfile.open(path, "w") as tar:
        for blob in (content, encoded):
            add(tar, f"blobs/{describe(blob)['digest'].replace(':', '/')}", blob)
        for layer in archive.layers:
            name = f"blobs/{layer['digest'].replace(':', '/')}"
            add(tar, name, archive.blob(layer["digest"]))
        add(tar, "index.json", json.dumps(index).encode())
    return Archive(path)


def impostor(archive: Archive, path: Path, **settings: str) -> Archive:
    """Write a copy of an image that runs impostor.py with some settings."""
    environment = [*archive.config["config"]["Env"], *(f"{k}={v}" for k, v in settings.items())]
    return variant(archive, path, Entrypoint=["python", "-c", IMPOSTOR], Env=environment)


def describe(content: bytes) -> dict[str, Any]:
    """Return the digest and size of a blob, as a descriptor has them."""
    return {"digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file to a tar."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
