"""Fetch a published image into the engine, by its digest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ship.build import engine
from ship.command import run
from ship.registry.destination import Destination


@dataclass(frozen=True)
class RunnableImage:
    """An image of a model, and the reference by which an engine or a cluster runs it."""

    model: str
    digest: str
    reference: str


def fetch(source: Destination, model: str, digest: str) -> RunnableImage:
    """Put an image into the engine, and return it by a reference that no tag can change."""
    if not source.shared:
        return load(source, model, digest)
    reference = f"{source}@{digest}"
    run("docker", "pull", "--quiet", reference)
    return RunnableImage(model, digest, reference)


def load(source: Destination, model: str, digest: str) -> RunnableImage:
    """Load an image from this machine into the engine, every blob checked against its digest."""
    held = f"model-images/{model}:{digest.removeprefix('sha256:')[:12]}"
    with TemporaryDirectory() as folder:
        return RunnableImage(model, digest, engine.load(source.local(digest, Path(folder)), held))
