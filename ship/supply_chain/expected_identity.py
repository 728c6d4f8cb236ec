"""Check that what is signed about an image is what was asked for: a model under a tag.

Whoever may write to a registry can move its tags. So what a tag promises by its form is checked
against what was signed: 1.2.3 against that version; 1.2, 1 and latest against the releases of that
series; sha-… against the commit, if this checkout has it. A branch or a digest promises only the
model.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from contract import models as model_folders
from ship import git
from ship.build.inputs import shaping
from ship.errors import StageError
from ship.supply_chain.identity import Claim
from ship.tags import VERSION

SERIES = re.compile(r"latest|(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))?")
COMMIT = re.compile(r"sha-(?P<sha>[0-9a-f]{12})")


@dataclass(frozen=True)
class Wanted:
    """A model under a tag, or by a digest, where it is published."""

    model: str
    tag: str
    where: str  # the repository

    def __str__(self) -> str:
        return f"{self.where}{'@' if self.tag.startswith('sha256:') else ':'}{self.tag}"

    def refuse_other(self, own: Claim) -> None:
        """Raise StageError if the labels of an image name another model, or another commit."""
        if own.model != self.model:
            raise StageError(
                f"{self} must be an image of {self.model}. Got one of {own.model} instead: it was "
                f"copied or tagged there. Publish {self.model} again: make publish "
                f"MODEL={self.model}"
            )
        commit = COMMIT.fullmatch(self.tag)
        if commit and not fits(commit["sha"], own):
            raise StageError(
                f"{self} must be made from what that commit holds of {self.model}. Got {own} "
                "instead, which differs: the tag was moved. Ask for another tag, or for the digest."
            )

    @property
    def releases(self) -> str:
        """The git tags of which one has released this tag, as a regular expression, "" for none."""
        if not is_version(self.tag) and not SERIES.fullmatch(self.tag):
            return ""
        number = "" if self.tag == "latest" else re.escape(self.tag)
        more = "" if is_version(self.tag) else r"[0-9.]+"
        return f"({re.escape(self.model)}-)?v{number}{more}"

    def refuse_unsigned(
        self, own: Claim, signed: Collection[Claim], released: Collection[Claim] | None = None
    ) -> None:
        """Raise StageError unless a signature says what was asked for and what the labels say.

        `signed` is what main has signed, `released` what releases have, by default the same.
        """
        ours = [claim for claim in signed if claim._replace(version=own.version) == own]
        if not ours:
            raise StageError(
                f"{self} must be signed as {own.model} of revision {own.revision[:12]}. Its "
                f"signatures say {listed(signed)} instead: it was signed for another place, or "
                "before signatures named their model. Publish it again, a release as a new "
                f"version: make publish MODEL={self.model}"
            )
        names = signed if released is None else released
        versions = [claim.version for claim in names if claim._replace(version=own.version) == own]
        if not any(promised(self.tag, version) for version in versions):
            got = ", ".join(sorted(versions)) or "none"
            raise StageError(
                f"{self} must be signed as {described(self.tag)}. It is signed as {got} instead: "
                "the tag was moved to an image that was released as another version, or as none. "
                "Push the git tag of the release again, or ask for a version that it is signed as."
            )


def promises(model: str, reference: str) -> dict[str, str]:
    """Return what the signature of a reference must say, to verify it by hand."""
    tag = reference.partition("@")[0].rpartition(":")[2]
    return {"model": model, **({"version": tag} if is_version(tag) else {})}


def is_version(tag: str) -> bool:
    """Return whether a tag is a version."""
    return bool(VERSION.fullmatch(tag))


def is_release(version: str) -> bool:
    """Return whether a version is final, so that `latest` may name it."""
    match = VERSION.fullmatch(version)
    return bool(match and not match["pre"])


def promised(tag: str, version: str) -> bool:
    """Return whether an image that is signed as `version` may be tagged `tag`."""
    if is_version(tag):
        return version == tag
    if SERIES.fullmatch(tag):
        return is_release(version) and (tag == "latest" or version.startswith(f"{tag}."))
    return True


def described(tag: str) -> str:
    """Return what a tag promises, for a message."""
    if is_version(tag):
        return f"version {tag}"
    return "a release" if tag == "latest" else f"a release {tag}.…"


def fits(sha: str, own: Claim, models: Path | None = None, tool: Path = git.TOOL) -> bool:
    """Return whether an image's revision and a commit hold the same inputs; yes if git cannot tell.

    Both are of the repository of the models, which need not hold the tool.
    """
    root = models or model_folders.root()
    if not all(git.knows(commit, root) for commit in (sha, own.revision)):
        return True
    return not git.differ(sha, own.revision, *shaping(own.model, root, tool), root=root)


def listed(claims: Collection[Claim]) -> str:
    """Return the claims, for a message."""
    return ", ".join(sorted(map(str, claims))) or "nothing of that"
