"""List and delete the versions of a container package on GHCR."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ship.github.api import ApiError, GitHub


@dataclass(frozen=True)
class PackageVersion:
    """One manifest of a package: an image, an index of images, or a signature or attestation."""

    number: int
    digest: str
    tags: tuple[str, ...]
    created: datetime

    @classmethod
    def of(cls, described: dict[str, Any]) -> PackageVersion:
        """Return the version that GitHub's API describes."""
        return cls(
            number=described["id"],
            digest=described["name"],
            tags=tuple(sorted(described["metadata"]["container"]["tags"])),
            created=datetime.fromisoformat(described["created_at"]),
        )


class Package:
    """The package of one model."""

    def __init__(self, github: GitHub, owner: str, name: str) -> None:
        kind = "orgs" if github.get(f"/users/{owner}")["type"] == "Organization" else "users"
        self._path = f"/{kind}/{owner}/packages/container/{quote(name, safe='')}/versions"
        self._github = github

    def versions(self) -> list[PackageVersion]:
        """Return every version, the newest first; none where nothing is published."""
        try:
            versions = [
                PackageVersion.of(described) for described in self._github.pages(self._path)
            ]
        except ApiError as error:
            if error.status == 404:
                return []
            raise
        return sorted(versions, key=lambda version: version.created, reverse=True)

    def now(self, version: PackageVersion) -> PackageVersion:
        """Return a version as it is now."""
        return PackageVersion.of(self._github.get(f"{self._path}/{version.number}"))

    def delete(self, version: PackageVersion) -> None:
        """Delete a version; raise ApiError if GitHub refuses."""
        self._github.send("DELETE", f"{self._path}/{version.number}")
