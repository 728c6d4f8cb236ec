"""A published image on its way to where it serves: fetched by digest, and its examples read."""

from __future__ import annotations

import io
import subprocess
import tarfile
from dataclasses import dataclass

import msgspec

from model.bundle import EXAMPLES, Example
from ship import engine
from ship.destination import Destination
from ship.engine import run
from ship.errors import StageError
from ship.layout import Layout


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
    held = f"model-images/{model}:{digest.removeprefix('sha256:')[:12]}"
    return Image(model, digest, engine.load(layout.image(digest), held))


def examples(image: Image) -> list[Example]:
    """Read the golden examples out of an image in the engine, without running it."""
    made = run("docker", "create", "--pull=never", image.reference).strip()
    try:
        copied = subprocess.run(
            ["docker", "cp", f"{made}:/bundle/{EXAMPLES}", "-"], capture_output=True, check=False
        )
    finally:
        run("docker", "rm", made)
    if copied.returncode:
        raise StageError(
            f"{image.reference} must hold /bundle/{EXAMPLES}. Got instead from docker: "
            f"{copied.stderr.decode().strip()}. Deploy an image that make pipeline made."
        )
    with tarfile.open(fileobj=io.BytesIO(copied.stdout)) as tar:
        member = tar.extractfile(EXAMPLES)
        found = msgspec.json.decode(member.read() if member else b"[]", type=list[Example])
    if not found:
        raise StageError(f"{image.reference} must hold golden examples. Got none.")
    return found
