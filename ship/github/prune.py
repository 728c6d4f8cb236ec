"""Delete from GHCR what nothing leads to any more; a dry run unless it is told to delete."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from judge.render import markdown
from judge.render.table import Table
from ship import settings
from ship.errors import ShipError, UsageError
from ship.github.api import ApiError, GitHub, variable
from ship.github.packages import Package, Version
from ship.github.reachability import Node, node, reach, short
from ship.github.step_files import add_summary
from ship.registry.remote import Registry


class Source(Protocol):
    """Where the manifests of a package are read."""

    def tags(self) -> list[str]: ...
    def read(self, digest: str) -> bytes: ...


@dataclass(frozen=True)
class Policy:
    """What is kept although no tag leads to it, and whether anything is deleted at all."""

    last: int
    days: int
    delete: bool

    def __post_init__(self) -> None:
        if self.days < 1:
            raise UsageError(f"--days must be 1 or more, for what is being published has no tag "
                             f"yet. Got {self.days} instead.")  # fmt: skip
        if self.last < 0:
            raise UsageError(f"--last must be 0 or more. Got {self.last} instead.")


def prune(github: GitHub, policy: Policy) -> int:
    """Prune the package of every model in REGISTRY=host/owner."""
    variable("REGISTRY", "ghcr.io/owner")
    registry = settings.registry()
    _, owner, *path = registry.split("/")
    failed = False
    for name in settings.known_models():
        package = Package(github, owner, "/".join([*path, name]))
        failed |= bool(prune_package(package, Registry(f"{registry}/{name}"), name, policy))
    return ShipError.exit_code if failed else 0


def prune_package(package: Package, source: Source, name: str, policy: Policy) -> list[str]:
    """Prune one package, tell what became of every version, and return what failed."""
    versions = package.versions()
    same_tags(versions, source)
    nodes = {version.digest: node(version, source.read) for version in versions}
    kept = reach(nodes, policy.last, policy.days, datetime.now(UTC)).reasons
    condemned = sorted((n for digest, n in nodes.items() if digest not in kept), key=order)
    failed = {}
    if policy.delete and condemned:
        unchanged(versions, package.versions())
        failed = {each.version.digest: delete(package, each.version) for each in condemned}
    tell(name, table(versions, kept, failed, deleted=policy.delete))
    return [reason for reason in failed.values() if reason]


def same_tags(versions: list[Version], source: Source) -> None:
    """Refuse where GitHub's list and the registry, which both may lag, do not tell the same."""
    listed = {tag for version in versions for tag in version.tags}
    if versions and (unequal := sorted(listed ^ set(source.tags()))):
        raise ShipError(
            "GitHub and the registry must list the same tags. They differ in "
            f"{', '.join(unequal)}: run this again."
        )


def order(each: Node) -> int:
    """Delete what is about an image first and its parts last: a run may end anywhere."""
    return 0 if each.subjects else 1 if each.children else 2


def delete(package: Package, version: Version) -> str:
    """Delete a version unless a tag reached it meanwhile; return why GitHub refused, or nothing."""
    unchanged([version], [package.now(version)])
    try:
        package.delete(version)
    except ApiError as error:
        return error.reason
    return ""


def unchanged(before: list[Version], after: list[Version]) -> None:
    if before != after:
        raise ShipError("A package must not change while it is pruned. It did: run this again.")


def table(
    versions: list[Version], kept: dict[str, str], failed: dict[str, str], *, deleted: bool
) -> str:
    """Return a row for each version: what became of it, and why."""
    rows = []
    for each in versions:
        what, why = "kept", kept.get(each.digest, "")
        if not why:
            why = failed.get(each.digest) or "nothing leads to it"
            what = "would go" if not deleted else "refused" if failed[each.digest] else "deleted"
        rows.append(
            (short(each.digest), f"{each.created:%Y-%m-%d}", " ".join(each.tags), what, why)
        )
    return markdown.table(Table(("version", "created", "tags", "what", "why"), rows))


def tell(name: str, rows: str) -> None:
    """Print the table, and put it on the page of the workflow's run."""
    text = f"### {name}\n\n{rows}\n"
    print(text)
    add_summary(f"{text}\n")
