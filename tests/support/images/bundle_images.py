"""Images that hold a bundle, as the pipeline publishes them."""

from __future__ import annotations

import json
from pathlib import Path

from contract.bundle import EVALUATION, Bundle
from contract.bundle import MANIFEST as MANIFEST_FILE
from contract.evaluation.evaluation import beside
from ship.pipeline.publish import publish, push_evaluation
from ship.registry.destination import Destination
from ship.registry.oci_archive import Archive
from ship.tags import Tag
from tests.support.images.oci_archives import oci_archive

BASE = f"sha256:{'b' * 64}"  # the digest of the base that an image says it is built on


def image_of(bundle: Path, path: Path, **more: str) -> Archive:
    """Write an OCI archive of an image that holds a bundle, and `more` labels."""
    files = {f"bundle/{file.name}": file.read_bytes() for file in bundle.iterdir()}
    return oci_archive(path, files, {**labels(bundle), **more})


def labels(bundle: Path) -> dict[str, str]:
    """Return the labels that `ship.build.build` gives an image of this bundle."""
    manifest = json.loads((bundle / MANIFEST_FILE).read_bytes())
    metrics = manifest["metrics"]["holdout"].items()
    return {
        "org.opencontainers.image.revision": manifest["revision"],
        "org.opencontainers.image.base.name": "python:3.13",
        "org.opencontainers.image.base.digest": BASE,
        **{f"model-images.metric.{name}": f"{value:.6g}" for name, value in metrics},
    }


def publish_to(target: Destination, bundle: Bundle, tmp_path: Path, *tags: str) -> Archive:
    """Publish an image of a bundle under tags, and return it."""
    archive = image_of(bundle.path, tmp_path / "image.tar")
    push_evaluation(archive, beside(bundle.path) / EVALUATION, target)
    publish(archive, [Tag(tag) for tag in tags], target)
    return archive
