"""Compute tags from git, so that a tag cannot lie about what it names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ship import git
from ship.errors import StageError, UsageError

BY_INPUTS = "inputs-"
MAIN = "main"  # what a new model is compared with, and what is deployed unless told otherwise
VERSION = re.compile(
    r"(?P<major>0|[1-9]\d*)\.(?P<minor>0|[1-9]\d*)\.(?P<patch>0|[1-9]\d*)"
    r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)


class Version(NamedTuple):
    """A semantic version (SemVer 2.0.0, without build metadata); `pre` is "" for a release."""

    major: int
    minor: int
    patch: int
    pre: str = ""

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}" + (f"-{self.pre}" if self.pre else "")


@dataclass(frozen=True)
class Tag:
    """A name to publish under; a `fixed` one must never name another digest."""

    name: str
    fixed: bool = False


def parse(tag: str, model: str) -> Version | None:
    """Return the version in `v1.2.3` or `<model>-v1.2.3`, None for any other tag."""
    name = tag.removeprefix(f"{model}-")
    match = VERSION.fullmatch(name.removeprefix("v")) if name.startswith("v") else None
    if not match:
        return None
    major, minor, patch = (int(match[part]) for part in ("major", "minor", "patch"))
    return Version(major, minor, patch, match["pre"] or "")


def released_versions(tag: str, models: list[str]) -> dict[str, Version]:
    """Return the version of each model that a git tag releases: all of them, or the one it names.

    Raises UsageError for a tag that releases none.
    """
    versions = {model: version for model in models if (version := parse(tag, model))}
    if not versions:
        raise UsageError(
            "A release must be tagged v1.2.3, for every model, or NAME-v1.2.3, for one of "
            f"{', '.join(models)}. Got {tag if tag.isprintable() else ascii(tag)} instead; "
            "delete it and tag again."
        )
    return versions


def series(version: Version, released: Iterable[Version]) -> dict[str, Version]:
    """Return the series of a version, by their tags, each with the newest release in it.

    `released` are all versions of the model, this one included; a pre-release is in no series.
    """
    if version.pre:
        return {}
    final = {release for release in released if not release.pre} | {version}
    return {
        f"{version.major}.{version.minor}": max(r for r in final if r[:2] == version[:2]),
        f"{version.major}": max(r for r in final if r.major == version.major),
        "latest": max(final),
    }


def inputs_tag(inputs: str) -> str:
    """Return the tag by which a release finds the image that was made from these inputs."""
    return f"{BY_INPUTS}{inputs}"


def for_people(names: Iterable[str]) -> list[str]:
    """Return the names of tags without those that only a release looks for."""
    return [name for name in names if not name.startswith(BY_INPUTS)]


def branch_tag(branch: str) -> str:
    """Return a tag for a branch that cannot be taken for a version, `latest`, `sha-…` or such."""
    slug = re.sub(r"[^A-Za-z0-9_.-]+", "-", branch).strip(".-")[:100]
    reserved = re.fullmatch(r"latest|v?\d+(\.\d+)*(-.*)?|(sha|inputs)-.*", slug) or not slug
    return f"branch-{slug}" if reserved else slug


def is_dirty(root: Path) -> bool:
    """Return whether the models' checkout, or the tool's, holds uncommitted changes."""
    return any(git.is_dirty(root=checkout) for checkout in (root, git.TOOL))


def tag_of_head(root: Path) -> str:
    """Return the tag of the models' commit, with -dirty for uncommitted changes, the tool's too."""
    return f"{tag_of(git.last_commit(root=root).sha)}{'-dirty' if is_dirty(root) else ''}"


def tag_of(commit: str) -> str:
    """Return the tag of a commit, by its full sha."""
    return f"sha-{commit[:12]}"


def branch_of_head(root: Path, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the branch that is checked out, or for a detached HEAD the one that BRANCH names.

    Raises UsageError for a BRANCH that is none, or that the commit is not on: a tag cannot lie.
    """
    checked_out, named = git.branch(root=root), environ.get("BRANCH")
    if checked_out or not named:
        return checked_out
    if not git.is_branch_with_head(named, root=root):
        raise UsageError(f"BRANCH must be a branch that holds {tag_of_head(root)}. "
                         f"Got {named!a} instead. Fetch it, or leave BRANCH out.")  # fmt: skip
    return named


def refuse_unreviewed(release: str, root: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Raise StageError where a release is tagged on a commit that BRANCH, if given, does not hold.

    A tag can be pushed by whoever may write; what is on the branch has been reviewed.
    """
    reviewed = environ.get("BRANCH")
    if reviewed and not git.is_branch_with_head(reviewed, root=root):
        raise StageError(
            f"{release} must be on a commit of {reviewed}. {tag_of_head(root)} is none. Merge it, "
            "delete the tag, and tag the merged commit."
        )


def tags_of_head(inputs: str, root: Path) -> list[Tag]:
    """Return the tags of what is checked out and made from `inputs`, a hash, in their order.

    A version is none of them: a release promotes what was published, see `ship.pipeline.promote`.
    """
    commit = Tag(tag_of_head(root))
    if is_dirty(root):
        return [commit]
    branch = branch_of_head(root)
    return [commit, Tag(inputs_tag(inputs)), *([Tag(branch_tag(branch))] if branch else [])]
