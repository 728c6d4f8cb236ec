"""Images that hold a bundle, as the pipeline publishes them."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

from model.bundle import MANIFEST as MANIFEST_FILE
from model.bundle import Bundle
from ship.oci import Archive
from ship.publish import Destination, publish
from ship.tags import Tag
from tests.ship.conftest import CONFIG, LAYER, MANIFEST, tar


def image_of(bundle: Path, path: Path) -> Archive:
    """Write an OCI archive of an image that holds a bundle."""
    blobs: dict[str, bytes] = {}

    def add(blob: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(blob).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = blob
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(blob)}

    root = tar({f"bundle/{file.name}": file.read_bytes() for file in bundle.iterdir()})
    config = {
        "created": "2026-01-01T00:00:00Z",
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": labels(bundle)},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(root).hexdigest()}"]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": add(json.dumps(config).encode(), CONFIG),
        "layers": [add(gzip.compress(root, mtime=0), LAYER)],
    }
    index = {"schemaVersion": 2, "manifests": [add(json.dumps(manifest).encode(), MANIFEST)]}
    blobs["index.json"] = json.dumps(index).encode()
    blobs["oci-layout"] = b'{"imageLayoutVersion":"1.0.0"}'
    path.write_bytes(tar(blobs))
    return Archive(path)


def labels(bundle: Path) -> dict[str, str]:
    """Return the labels that `ship.build` gives an image of this bundle."""
    manifest = json.loads((bundle / MANIFEST_FILE).read_bytes())
    metrics = manifest["metrics"]["holdout"].items()
    return {
        "org.opencontainers.image.revision": manifest["revision"],
        **{f"model-images.metric.{name}": f"{value:.6g}" for name, value in metrics},
    }


def publish_to(target: Destination, bundle: Bundle, tmp_path: Path, *tags: str) -> Archive:
    archive = image_of(bundle.path, tmp_path / "image.tar")
    publish(archive, [Tag(tag) for tag in tags], target)
    return archive
