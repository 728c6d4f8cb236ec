"""What pruning keeps and deletes, on manifests that a registry serves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ship.errors import ShipError, UsageError
from ship.github.api import GitHub
from ship.github.pruning.packages import Package, PackageVersion
from ship.github.pruning.prune import RetentionPolicy, prune_package
from tests.support.github.fake import State

IMAGE = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
PACKAGE = "models/iris"
NEEDED = {"packages": "write"}
DELETE = RetentionPolicy(last=0, days=30, delete=True)


class Shelf:
    """A package in the making: manifests by digest, each also a version that GitHub lists."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.manifests: dict[str, bytes] = {}

    def put(self, manifest: dict[str, Any], *tags: str, age: int = 100) -> str:
        """Store a manifest that is `age` days old, and return its digest."""
        content = json.dumps(manifest).encode()
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.manifests[digest] = content
        created = datetime.now(UTC) - timedelta(days=age)
        self.state.version(PACKAGE, digest, created.isoformat(), *tags)
        return digest

    def image(self, content: str, *tags: str, age: int = 100, **more: Any) -> str:
        """Store an image, and return its digest."""
        blob = {"mediaType": "text/plain", "digest": blob_of(content), "size": len(content)}
        manifest = {"schemaVersion": 2, "mediaType": IMAGE, "config": blob, "layers": [blob]}
        return self.put(manifest | more, *tags, age=age)

    def index(self, children: list[str], *tags: str, age: int = 100) -> str:
        """Store an index of images, and return its digest."""
        manifests = [
            {"mediaType": IMAGE, "digest": child, "size": len(self.manifests.get(child, b""))}
            for child in children
        ]
        manifest = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        return self.put(manifest, *tags, age=age)

    def read(self, digest: str) -> bytes:
        """Return a manifest."""
        return self.manifests[digest]

    def tags(self) -> list[str]:
        """Return all tags."""
        tags_by_version = [v["metadata"]["container"]["tags"] for v in self.state.packages[PACKAGE]]
        return [tag for tags in tags_by_version for tag in tags]

    @property
    def left(self) -> set[str]:
        """The digests that were not deleted."""
        return {version["name"] for version in self.state.packages[PACKAGE]}


def blob_of(content: str) -> str:
    """Return the digest of a blob."""
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"


def about(digest: str, suffix: str = "") -> str:
    """Return the tag under which cosign stores something about a digest."""
    return digest.replace(":", "-") + suffix


@pytest.fixture
def shelf(state: State) -> Shelf:
    """An empty package, and a token that may delete from it."""
    state.permissions = dict(NEEDED)
    state.packages[PACKAGE] = []
    return Shelf(state)


@pytest.fixture
def pruned(client: GitHub, shelf: Shelf) -> Callable[..., set[str]]:
    """Prune the package; return the digests that are left."""

    def run(policy: RetentionPolicy = DELETE) -> set[str]:
        prune_package(Package(client, "octo", PACKAGE), shelf, "iris", policy)
        return shelf.left

    return run


def test_prune_deletes_what_nothing_leads_to(
    shelf: Shelf, pruned: Callable[..., set[str]], state: State
) -> None:
    """An old untagged image goes; a tagged one of the same age stays."""
    tagged, _ = shelf.image("new", "main"), shelf.image("old")
    assert pruned() == {tagged}
    assert state.used == NEEDED


def test_prune_is_a_dry_run_by_default(
    shelf: Shelf, pruned: Callable[..., set[str]], state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without being told to delete, it tells what would go, and a token that reads is enough."""
    old = shelf.image("old")
    assert pruned(RetentionPolicy(last=0, days=30, delete=False)) == {old}
    assert state.used == {"packages": "read"}
    assert "| would go | nothing leads to it |" in capsys.readouterr().out


def test_prune_keeps_the_platforms_of_a_tagged_index(
    shelf: Shelf, pruned: Callable[..., set[str]]
) -> None:
    """GHCR lists an index's images as untagged: they stay, and those of an untagged index go."""
    platforms = [shelf.image("amd64"), shelf.image("arm64")]
    tagged = shelf.index(platforms, "1.0.0")
    shelf.index([shelf.image("old amd64"), platforms[1]])
    assert pruned() == {*platforms, tagged}


def test_prune_keeps_signatures_and_attestations_of_what_stays(
    shelf: Shelf, pruned: Callable[..., set[str]]
) -> None:
    """What is about an image that stays is kept, by tag or subject, and what is about that."""
    platform = shelf.image("amd64")
    index = shelf.index([platform], "main")
    kept = {
        platform,
        index,
        shelf.image("signature", about(index, ".sig")),
        shelf.image("attestation", about(platform, ".att")),
    }
    referrer = shelf.image("bundle", subject={"digest": index})
    kept |= {referrer, shelf.index([referrer], about(index))}
    kept.add(shelf.image("about the bundle", subject={"digest": referrer}))
    assert pruned() == kept


def test_prune_deletes_signatures_with_what_they_sign(
    shelf: Shelf, pruned: Callable[..., set[str]]
) -> None:
    """Signatures and attestations of a deleted image are deleted too."""
    old = shelf.image("old")
    shelf.image("signature", about(old, ".sig"))
    shelf.image("attestation", subject={"digest": old})
    assert pruned() == set()


def test_prune_deletes_parts_last(
    shelf: Shelf, pruned: Callable[..., set[str]], state: State
) -> None:
    """A run that ends anywhere leaves no index without its images, and nothing unsigned in use."""
    part = shelf.image("part")
    index = shelf.index([part])
    signature = shelf.image("signature", about(index, ".sig"))
    gone: list[str] = []
    state.deleted = gone.append
    pruned()
    assert gone == [signature, index, part]


def test_prune_keeps_a_signature_of_what_is_not_here(
    shelf: Shelf, pruned: Callable[..., set[str]]
) -> None:
    """A signature of something that is not in this package is kept."""
    kept = shelf.image("signature", about(blob_of("elsewhere"), ".sig"))
    assert pruned() == {kept}


def test_prune_keeps_what_is_young(shelf: Shelf, pruned: Callable[..., set[str]]) -> None:
    """A young version is kept with all that it refers to, as it may be tagged soon."""
    child = shelf.image("child", age=90)
    young = shelf.index([child], age=29)
    shelf.image("older", age=31)
    assert pruned() == {child, young}


def test_prune_keeps_what_a_young_signature_is_about(
    shelf: Shelf, pruned: Callable[..., set[str]]
) -> None:
    """An old image with a young signature is kept."""
    old = shelf.image("old")
    signature = shelf.image("signature", about(old, ".sig"), age=1)
    assert pruned() == {old, signature}


def test_prune_keeps_the_newest_untagged(shelf: Shelf, pruned: Callable[..., set[str]]) -> None:
    """The last images stay for a rollback by digest; parts and attestations do not count."""
    part = shelf.image("part", age=60)
    first = shelf.index([part], age=60)
    second = shelf.image("second", age=70)
    shelf.image("attestation", subject={"digest": shelf.image("third", age=80)}, age=50)
    assert pruned(RetentionPolicy(last=2, days=30, delete=True)) == {part, first, second}


def refused(pruned: Callable[..., set[str]], shelf: Shelf, words: str) -> None:
    """Assert that pruning fails in these words and leaves every version."""
    before = shelf.left
    with pytest.raises(ShipError, match=words):
        pruned()
    assert shelf.left == before


def test_prune_refuses_when_a_manifest_cannot_be_read(
    shelf: Shelf, pruned: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is deleted if one manifest cannot be read."""
    shelf.image("old")
    silent = shelf.image("silent")

    def read(digest: str) -> bytes:
        if digest == silent:
            raise ShipError("manifest unknown")
        return shelf.manifests[digest]

    monkeypatch.setattr(shelf, "read", read)
    refused(pruned, shelf, "manifest unknown")


def test_prune_refuses_when_the_registry_knows_another_tag(
    shelf: Shelf, pruned: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is deleted if the registry has a tag that GitHub does not list."""
    shelf.image("old")
    monkeypatch.setattr(shelf, "tags", lambda: ["main"])
    refused(pruned, shelf, "must list the same tags. They differ in main")


def test_prune_refuses_an_altered_manifest(shelf: Shelf, pruned: Callable[..., set[str]]) -> None:
    """Nothing is deleted if a manifest does not have its digest."""
    shelf.manifests[shelf.image("old")] = b"{}"
    refused(pruned, shelf, "must have that digest")


def test_prune_refuses_a_manifest_of_an_unknown_kind(
    shelf: Shelf, pruned: Callable[..., set[str]]
) -> None:
    """Nothing is deleted if a manifest is neither an image nor an index."""
    shelf.image("old")
    shelf.put({"schemaVersion": 2, "blobs": []})
    refused(pruned, shelf, "must be an image or an index")


def test_prune_refuses_when_a_tagged_index_is_broken(
    shelf: Shelf, pruned: Callable[..., set[str]]
) -> None:
    """Nothing is deleted if a tagged index lacks a platform."""
    shelf.image("old")
    shelf.index([blob_of("gone")], "main")
    refused(pruned, shelf, r"\(tagged main\) must be whole. It lists sha256:")


def test_prune_refuses_when_something_is_published_meanwhile(
    shelf: Shelf, pruned: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is deleted if a version appeared since the list was read."""
    old = shelf.image("old")

    def read(digest: str) -> bytes:
        if len(shelf.left) == 1:
            shelf.index([old], "main")
        return shelf.manifests[digest]

    monkeypatch.setattr(shelf, "read", read)
    with pytest.raises(ShipError, match="must not change while it is pruned"):
        pruned()
    assert len(shelf.left) == 2


def test_prune_stops_at_a_version_that_was_tagged_meanwhile(
    client: GitHub, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An index that is tagged in the last moment keeps itself and its platforms."""
    index = shelf.index([shelf.image("platform")])

    def tagged(package: Package, version: PackageVersion) -> PackageVersion:
        return replace(now(package, version), tags=("main",))

    now = Package.now
    monkeypatch.setattr(Package, "now", tagged)
    with pytest.raises(ShipError, match="must not change while it is pruned"):
        prune_package(Package(client, "octo", PACKAGE), shelf, "iris", DELETE)
    assert index in shelf.left
    assert len(shelf.left) == 2


def test_prune_tells_what_github_refused(
    client: GitHub, shelf: Shelf, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    """A version that may not be deleted is told with GitHub's reason; the others still go."""
    shelf.image("popular")
    shelf.image("other")
    state.packages[PACKAGE][0]["downloads"] = 5001
    failed = prune_package(Package(client, "octo", PACKAGE), shelf, "iris", DELETE)
    assert [reason.partition(" with ")[0] for reason in failed] == [
        "Publicly visible package versions"
    ]
    assert len(shelf.left) == 1
    assert "| refused | Publicly visible" in capsys.readouterr().out


@pytest.mark.parametrize("owner", ["Organization", "User"])
def test_prune_finds_packages_of_people_and_organisations(
    owner: str, client: GitHub, shelf: Shelf, state: State
) -> None:
    """GitHub has two addresses for packages; the owner decides which."""
    state.owner = owner
    shelf.image("old")
    prune_package(Package(client, "octo", PACKAGE), shelf, "iris", DELETE)
    assert shelf.left == set()


@pytest.mark.parametrize(("last", "days"), [(-1, 30), (10, 0)])
def test_policy_refuses_what_would_delete_too_much(last: int, days: int) -> None:
    """A policy is refused if it could delete the images of a running publish."""
    with pytest.raises(UsageError, match="must be"):
        RetentionPolicy(last, days, delete=True)
