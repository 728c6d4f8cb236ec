"""Delete from GHCR what nothing refers to any more; without --delete, only list it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from judge.render import markdown
from judge.render.table import Table
from ship import settings
from ship.errors import ShipError, UsageError
from ship.github.api import ApiError, GitHub, variable
from ship.github.pruning.packages import Package, PackageVersion
from ship.github.pruning.reachability import Node, node, reach, short
from ship.github.step_files import add_summary
from ship.registry.remote import Registry


class Source(Protocol):
    """A registry that holds the manifests of a package."""

    def tags(self) -> list[str]:
        """Return every tag."""

    def read(self, digest: str) -> bytes:
        """Return the manifest of a digest."""


@dataclass(frozen=True)
class RetentionPolicy:
    """What is kept although no tag leads to it, and whether anything is deleted.

    Making it raises UsageError for numbers that would delete too much.
    """

    last: int
    days: int
    delete: bool

    def __post_init__(self) -> None:
        """Raise UsageError for numbers that would delete too much."""
        if self.days < 1:
            raise UsageError(f"--days must be 1 or more, for what is being published has no tag "
                             f"yet. Got {self.days} instead.")  # fmt: skip
        if self.last < 0:
            raise UsageError(f"--last must be 0 or more. Got {self.last} instead.")


def prune(github: GitHub, policy: RetentionPolicy) -> int:
    """Prune the package of every model in REGISTRY=host/owner; return the exit code.

    Raises UsageError without a REGISTRY.
    """
    variable("REGISTRY", "ghcr.io/owner")
    registry = settings.registry()
    _, owner, *path = registry.split("/")
    failed = False
    for name in settings.known_models():
        package = Package(github, owner, "/".join([*path, name]))
        failed |= bool(prune_package(package, Registry(f"{registry}/{name}"), name, policy))
    return ShipError.exit_code if failed else 0


def prune_package(
    package: Package, source: Source, name: str, policy: RetentionPolicy
) -> list[str]:
    """Prune one package, print what became of every version, and return what failed.

    Raises ShipError, with nothing deleted, where the package changes meanwhile.
    """
    versions = package.versions()
    same_tags(versions, source)
    nodes = {version.digest: node(version, source.read) for version in versions}
    kept = reach(nodes, policy.last, policy.days, datetime.now(UTC)).reasons
    condemned = sorted((n for digest, n in nodes.items() if digest not in kept), key=order)
    failed = {}
    if policy.delete and condemned:
        unchanged(versions, package.versions())
        failed = {node.version.digest: delete(package, node.version) for node in condemned}
    tell(name, table(versions, kept, failed, deleted=policy.delete))
    return [reason for reason in failed.values() if reason]


def same_tags(versions: list[PackageVersion], source: Source) -> None:
    """Check that GitHub and the registry list the same tags; raise ShipError if one lags behind."""
    listed = {tag for version in versions for tag in version.tags}
    if versions and (unequal := sorted(listed ^ set(source.tags()))):
        raise ShipError(
            "GitHub and the registry must list the same tags. They differ in "
            f"{', '.join(unequal)}: run this again."
        )


def order(node: Node) -> int:
    """Return the place in which a version is deleted: signatures first, parts of an index last.

    So the rest is whole if a run ends in between.
    """
    return 0 if node.subjects else 1 if node.children else 2


def delete(package: Package, version: PackageVersion) -> str:
    """Delete a version unless it was tagged meanwhile; return why GitHub refused, "" if it did not.

    Raises ShipError where the version has changed.
    """
    unchanged([version], [package.now(version)])
    try:
        package.delete(version)
    except ApiError as error:
        return error.reason
    return ""


def unchanged(before: list[PackageVersion], after: list[PackageVersion]) -> None:
    """Check that versions are the same as before; raise ShipError if not."""
    if before != after:
        raise ShipError("A package must not change while it is pruned. It did: run this again.")


def table(
    versions: list[PackageVersion], kept: dict[str, str], failed: dict[str, str], *, deleted: bool
) -> str:
    """Return a row for each version: what became of it, and why."""
    rows = []
    for version in versions:
        outcome, reason = "kept", kept.get(version.digest, "")
        if not reason:
            reason = failed.get(version.digest) or "nothing leads to it"
            outcome = (
                "would go" if not deleted else "refused" if failed[version.digest] else "deleted"
            )
        rows.append(
            (
                short(version.digest),
                f"{version.created:%Y-%m-%d}",
                " ".join(version.tags),
                outcome,
                reason,
            )
        )
    return markdown.table(Table(("version", "created", "tags", "what", "why"), rows))


def tell(name: str, rows: str) -> None:
    """Print the table, and add it to the summary of the workflow's run."""
    text = f"### {name}\n\n{rows}\n"
    print(text)
    add_summary(f"{text}\n")
