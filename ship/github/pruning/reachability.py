"""Find out which versions of a package are still referred to and must stay.

GHCR also calls the platforms of a tagged index, and the attestations of a tagged image, "untagged";
only their manifests show that they belong to it. So every manifest is read, and one that cannot be
read stops the pruning.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ship.errors import ShipError
from ship.github.pruning.packages import PackageVersion
from ship.registry.image_files import Read, document

ABOUT = re.compile(r"sha256-([0-9a-f]{64})(\.[a-z]+)?")  # what cosign and others say of a digest
FORMS = ("manifests", "config", "layers")


@dataclass(frozen=True)
class Node:
    """One version, and the digests that its manifest refers to (OCI image spec 1.1)."""

    version: PackageVersion
    children: tuple[str, ...]  # the images of an index
    subjects: tuple[str, ...]  # what it is a signature or an attestation of

    @property
    def names(self) -> list[str]:
        """The tags that are names, and not made from a digest."""
        return [tag for tag in self.version.tags if not ABOUT.fullmatch(tag)]


def node(version: PackageVersion, read: Read) -> Node:
    """Read a version's manifest; raise ShipError for one that is neither an image nor an index."""
    manifest = document(read, version.digest)
    if not any(form in manifest for form in FORMS):
        raise ShipError(f"{version.digest} must be an image or an index. Got {manifest} instead.")
    subject = manifest.get("subject") or {}
    tagged = [f"sha256:{about[1]}" for tag in version.tags if (about := ABOUT.fullmatch(tag))]
    return Node(
        version,
        children=tuple(child["digest"] for child in manifest.get("manifests", [])),
        subjects=(*([subject["digest"]] if subject else []), *tagged),
    )


@dataclass
class Reachability:
    """Why each digest stays; nothing refers to one that is not in `reasons`."""

    nodes: dict[str, Node]
    reasons: dict[str, str] = field(default_factory=dict)

    def keep(self, digest: str, reason: str) -> None:
        """Keep a digest, what it refers to, and what is attached to it.

        Raises ShipError where a part of an index is missing.
        """
        if digest in self.reasons:
            return
        self.reasons[digest] = reason
        for child in self.nodes[digest].children:
            if child not in self.nodes:
                raise ShipError(
                    f"{digest} ({reason}) must be whole. It lists {child}, which is not there: "
                    "publish it again, or delete it by hand; nothing was deleted."
                )
            self.keep(child, f"in {short(digest)}")
        for subject in self.nodes[digest].subjects:
            if subject in self.nodes:
                self.keep(subject, f"subject of {short(digest)}")
        for other in self.nodes.values():
            if digest in other.subjects:
                self.keep(other.version.digest, f"about {short(digest)}")


def reach(nodes: dict[str, Node], last: int, days: int, now: datetime) -> Reachability:
    """Return what to keep: what is tagged, young or among the `last` images, and its parts."""
    result = Reachability(nodes)
    for digest, candidate in nodes.items():
        if candidate.names:
            result.keep(digest, f"tagged {', '.join(candidate.names)}")
    for digest, candidate in nodes.items():
        if now - candidate.version.created < timedelta(days=days):
            result.keep(digest, f"younger than {days} days")
        if candidate.subjects and not any(subject in nodes for subject in candidate.subjects):
            result.keep(digest, "what it is about is not here")
    for digest in unreferenced(nodes)[:last]:
        result.keep(digest, f"one of the newest {last} untagged")
    return result


def unreferenced(nodes: dict[str, Node]) -> list[str]:
    """Return the untagged images that no other version leads to, the newest first."""
    inside = {child for node in nodes.values() for child in node.children}
    return [
        digest
        for digest, node in nodes.items()
        if not node.version.tags and not node.subjects and digest not in inside
    ]


def short(digest: str) -> str:
    """Return the beginning of a digest, for messages."""
    return digest.removeprefix("sha256:")[:12]
