"""Check that equal inputs give an equal image: build twice from nothing, compare digests."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from ship.build.build import make_image, train
from ship.build.workspace import Workspace
from ship.errors import StageError


def reproduce(workspace: Workspace) -> str:
    """Train and build twice without any cache and return the digest.

    Raises StageError if the two digests differ.
    """
    digests = [build_from_nothing(workspace, attempt) for attempt in (1, 2)]
    if len(set(digests)) > 1:
        both = " and ".join(digests)
        raise StageError(
            f"Two builds of {workspace.model} must have one digest. Got {both} instead."
        )
    return digests[0]


def build_from_nothing(workspace: Workspace, attempt: int) -> str:
    """Train and build in an empty folder, and return the digest."""
    workspace.dist.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=workspace.dist, prefix="reproduce-") as folder:
        fresh = dataclasses.replace(workspace, dist=Path(folder))
        train(fresh, cache=False)
        make_image(fresh, cache=False)
        digest = fresh.archive.digest
    print(f"{workspace.model}: build {attempt} is {digest}", flush=True)
    return digest
