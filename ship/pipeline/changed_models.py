"""Find the models that have changed: whose inputs differ from the published image's label.

A rebase, or a commit that changes other files, changes no model's inputs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from ship import git, tags
from ship.build.inputs import plan
from ship.errors import ShipError, StageError
from ship.registry.destination import Destination, destination
from ship.registry.labels import INPUTS


class ModelChange(NamedTuple):
    """A model and why it is to be built; `reason` is "" where it is published as it is."""

    model: str
    reason: str


def changes(
    names: list[str], models: Path | None = None, tool: Path = git.TOOL
) -> list[ModelChange]:
    """Compare each model's inputs with those of the image that is published as main."""
    return [ModelChange(name, reason(name, models, tool)) for name in names]


def reason(model: str, models: Path | None, tool: Path) -> str:
    """Return why a model is to be built, "" if it is not; a registry that fails is a reason."""
    target = destination(model, tool / "dist")
    try:
        published = published_inputs(target, tags.MAIN)
    except ShipError as error:
        return f"what is published cannot be read: {str(error).splitlines()[0]}"
    if published is None:
        return f"nothing is published at {target}:{tags.MAIN}"
    inputs = plan(model, models, tool).image.hash
    return "" if published == inputs else f"its inputs differ from {target}:{tags.MAIN}"


def published_inputs(target: Destination, tag: str) -> str | None:
    """Return the hash of the inputs of a published image.

    It is "" if the image has none, and None if there is no image.
    """
    digest = target.resolve(tag)
    return None if digest is None else inputs_of(target, digest)


def inputs_of(target: Destination, digest: str) -> str:
    """Return the hash of the inputs of a published image, "" if it has none."""
    labels = json.loads(target.config(digest)).get("config", {}).get("Labels") or {}
    return str(labels.get(INPUTS, ""))


def released_models(
    names: list[str], tag: str, models: Path | None = None, tool: Path = git.TOOL
) -> list[ModelChange]:
    """Return the models that a git tag releases: every one, or the one it names.

    Raises StageError for a version that is published of other inputs, before anything is built.
    """
    versions = tags.released_versions(tag, names)
    for name, version in versions.items():
        refuse_taken(name, str(version), models, tool)
    return [ModelChange(name, f"{tag} releases it") for name in versions]


def refuse_taken(model: str, version: str, models: Path | None, tool: Path) -> None:
    """Raise StageError if a version is published of other inputs."""
    target = destination(model, tool / "dist")
    published = published_inputs(target, version)
    if published is not None and published != plan(model, models, tool).image.hash:
        raise StageError(
            f"{target}:{version} is published and must stay what it is. "
            f"Got other inputs for {model} instead. Tag this commit with a new version."
        )
