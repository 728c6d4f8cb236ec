"""List what is published of each model, as the registry itself has it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from ship.errors import ShipError
from ship.host import tables
from ship.host.tables import cell
from ship.registry import image_files
from ship.registry.destination import Destination
from ship.registry.image_files import document, platforms
from ship.registry.labels import EVALUATION, METRIC, REVISION, VERSION
from ship.tags import for_people

METRICS = 3  # that a line has room for
SUFFIXES = {".sig": "signature", ".att": "SBOM"}
PREDICATES = {
    "https://sigstore.dev/cosign/sign/v1": "signature",
    "https://spdx.dev/Document": "SBOM",
    "https://slsa.dev/provenance/v1": "provenance",
}
PREDICATE = "dev.sigstore.bundle.predicateType"


@dataclass(frozen=True)
class PublishedImage:
    """One published image, under all of its tags."""

    digest: str
    tags: list[str]
    created: str
    revision: str
    version: str
    claimed: bool  # the metrics, by whoever trained it: nobody has measured it here
    metrics: dict[str, str]
    size: int
    beside: list[str]  # signature, SBOM, provenance
    unread: str  # why there may be more beside it; "" where everything was read


def published_images(target: Destination) -> list[PublishedImage]:
    """Return the images at a destination, the newest first."""
    names = target.tags()
    images: dict[str, list[str]] = {}
    for tag in names:
        if not tag.startswith("sha256-") and (digest := target.resolve(tag)):
            images.setdefault(digest, []).append(tag)
    described = [describe(target, digest, tags, names) for digest, tags in images.items()]
    return sorted(described, key=lambda image: (image.created, image.tags), reverse=True)


def describe(target: Destination, digest: str, tags: list[str], names: list[str]) -> PublishedImage:
    """Return what an image's configuration and labels say about it."""
    manifest = image_files.manifest(target.read, digest)
    config: dict[str, Any] = json.loads(target.config(digest))
    own = config.get("config", {}).get("Labels") or {}
    labels = {name: str(value) for name, value in own.items()}
    kinds, unread = beside(target, digest, names)
    return PublishedImage(
        digest=digest,
        tags=tags,
        created=str(config.get("created", ""))[:10],
        revision=labels.get(REVISION, ""),
        version=labels.get(VERSION, ""),
        claimed=labels.get(EVALUATION) == "claimed",
        metrics={k.removeprefix(METRIC): v for k, v in labels.items() if k.startswith(METRIC)},
        size=sum(layer["size"] for layer in manifest["layers"]),
        beside=[kind for kind in PREDICATES.values() if kind in kinds],
        unread=unread,
    )


def beside(target: Destination, digest: str, tags: list[str]) -> tuple[set[str], str]:
    """Return which of signature, SBOM and provenance an image, or one of its platforms, has.

    Returns also why that may not be all: the registry did not say what refers to them.

    cosign 2 writes tags named after the digest. cosign 3 and GitHub write referrers (OCI image spec
    1.1), which a registry lists itself or, if it cannot, keeps in an index with the digest as tag.
    """
    subjects = {digest, *(image["digest"] for image in platforms(target.read, digest))}
    kinds = {kind for subject in subjects for kind in by_tag(subject, tags)}
    try:
        for subject in subjects:
            kinds |= by_referrer(target, subject, tags)
    except ShipError as error:
        return kinds, str(error)
    return kinds, ""


def by_tag(digest: str, tags: list[str]) -> list[str]:
    """Return what tags named after the digest show."""
    name = digest.replace(":", "-")
    return [kind for suffix, kind in SUFFIXES.items() if name + suffix in tags]


def by_referrer(target: Destination, digest: str, tags: list[str]) -> set[str]:
    """Return what the manifests that refer to the digest show."""
    listed = target.referrers(digest)
    name = digest.replace(":", "-")
    if name in tags and (fallback := target.resolve(name)):
        listed = [*listed, *document(target.read, fallback).get("manifests", [])]
    manifests = [document(target.read, referrer.get("digest", "")) for referrer in listed]
    types = [manifest.get("annotations", {}).get(PREDICATE) for manifest in manifests]
    return {PREDICATES[predicate] for predicate in types if predicate in PREDICATES}


def show(model: str, target: Destination) -> None:
    """Print a line for each published image."""
    published = published_images(target)
    if not published:
        print(f"{model}: nothing is published at {target}")
        return
    grid = Table(title=cell(f"{model} at {target}"), title_justify="left", header_style="bold")
    for title in ("tags", "date", "digest", "revision", "metrics", "MB", "beside it"):
        grid.add_column(title, overflow="fold")
    for image in published:
        grid.add_row(*row(image))
    tables.show(grid)
    for reason in dict.fromkeys(image.unread for image in published if image.unread):
        print(f"unknown: {reason}")


def row(image: PublishedImage) -> tuple[Text, ...]:
    """Return an image as the cells of a table."""
    shown = [f"{name} {rounded(value)}" for name, value in image.metrics.items()][:METRICS]
    cells = (
        "\n".join(for_people(image.tags)),
        image.created,
        image.digest[7:19],
        image.revision[:12],
        "\n".join(["claimed:", *shown] if image.claimed else shown),
        f"{image.size / 1e6:.1f}",
        "\n".join([*image.beside, *(["unknown"] if image.unread else [])]) or "not signed",
    )
    return tuple(cell(text) for text in cells)


def rounded(value: str) -> str:
    """Return a number in four digits; the text of a label that is no number stays as it is."""
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value
