"""Pruning a real registry that stands for GHCR, with images that were really signed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import requests

import model
from ship.github.api import GitHub
from ship.github.prune import Policy, prune
from ship.index import Index, join
from ship.publish import publish, push
from ship.registry import Registry
from ship.tags import Tag
from ship.verify import verify
from tests.github.fake import State
from tests.ship.conftest import MakeArchive
from tests.ship.test_sign import make_key

pytestmark = pytest.mark.docker
MAIN, RELEASE = Tag("main"), Tag("1.0.0", fixed=True)


def listed(state: State, target: Registry, images: list[Index]) -> None:
    """Let GitHub list what the registry holds: all of it is old, and most of it has no tag."""
    tags: dict[str, list[str]] = {}
    for tag in target.tags():
        tags.setdefault(str(target.digest_of(tag)), []).append(tag)
    parts = [digest for image in images for digest in (image.digest, *platforms(image))]
    for digest in dict.fromkeys([*tags, *parts]):
        state.version("models/iris", digest, "2020-01-01T00:00:00Z", *tags.get(digest, []))


def platforms(image: Index) -> list[str]:
    return [archive.digest for archive in image.archives]


@pytest.fixture
def target(
    registry: str, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Registry:
    """The repository of iris, whose images are signed, and from which GitHub can delete."""

    def delete(digest: str) -> None:
        address = f"http://{registry}/v2/octo/models/iris/manifests/{digest}"
        requests.delete(address, timeout=30).raise_for_status()

    state.deleted = delete
    make_key(tmp_path / "key", monkeypatch)
    monkeypatch.setattr(model, "names", lambda: ["iris"])
    monkeypatch.setenv("REGISTRY", f"{registry}/octo/models")
    state.permissions = {"packages": "write"}
    return Registry(f"{registry}/octo/models/iris")


def test_prune_leaves_what_is_published_whole_and_signed(
    client: GitHub,
    state: State,
    target: Registry,
    make_archive: MakeArchive,
    tmp_path: Path,
) -> None:
    """Both tags still verify and every platform of them pulls; the image without one is gone."""
    images = []
    for content in ("one", "two", "three"):
        made = join([make_archive(content), make_archive(content, "arm64")])
        assert isinstance(made, Index)
        images.append(made)
    released, current, old = images
    publish(released, [RELEASE], target)
    publish(current, [MAIN], target)
    assert push(old, [], target)
    listed(state, target, images)
    assert len(state.packages["models/iris"]) == 3 * (3 + 3 + 2)

    assert prune(client, Policy(last=0, days=30, delete=True)) == 0

    for image in (released, current):
        assert verify(target, image.digest) == f"{image.digest}: bytes, signature, SBOM"
        for digest in platforms(image):
            command = ["skopeo", "copy", "--src-tls-verify=false", f"docker://{target}@{digest}"]
            subprocess.run([*command, f"oci:{tmp_path}/pulled:{digest[7:]}"], check=True)
    kept = {each["name"] for each in state.packages["models/iris"]}
    assert kept.isdisjoint({old.digest, *platforms(old)})
    assert len(kept) == 2 * (3 + 3 + 2)
