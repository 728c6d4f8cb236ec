"""Number 5: a signature that names neither model nor version: it is good wherever it is copied to.

Somebody who may write to the registry, but holds no key, runs `cosign copy` of a signed diabetes to
iris's repository, and it verifies as iris; or puts an old signed image under a newer version's tag.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from ship import git
from ship.deploy import golden_check, rollout
from ship.deploy.canary import Trial
from ship.deploy.engine_image import RunnableImage
from ship.deploy.rollout import canary, deploy, rollback
from ship.errors import StageError
from ship.pipeline.publish import publish
from ship.registry.image_index import Index, join
from ship.registry.layout import Layout
from ship.registry.oci_archive import Archive
from ship.registry.remote import Registry
from ship.tags import Tag
from tests.ship.deploy.memory import Memory
from tests.support.images.oci_archives import MakeArchive, labelled
from tests.support.images.signing import make_key

signing = pytest.mark.engine
SECOND = "2026-02-01T00:00:00Z"  # when an image was made; the others a month before
MAIN = Tag("main")
IRIS = dict(zip(("model", "version", "revision"), labelled("iris").values(), strict=True))


class Published:
    """Two models' repositories below one owner, and the words on them."""

    def __init__(self, registry: str, folder: Path, make: MakeArchive) -> None:
        self.owner, self.make = f"{registry}/{folder.name.lower()}", make
        self.iris, self.diabetes = (Registry(f"{self.owner}/{m}") for m in ("iris", "diabetes"))

    def verify(self, tag: str = "main") -> subprocess.CompletedProcess[str]:
        """Run `make verify` for a tag of iris."""
        command = ["make", "verify", "MODEL=iris", f"TAG={tag}", f"REGISTRY={self.owner}"]
        return subprocess.run(command, cwd=git.TOOL, capture_output=True, text=True, check=False)

    def image(self, content: str, model: str = "iris", **other: str) -> Archive:
        """Return a new image of a model with that content."""
        return image(self.make, content, model, **other)


def image(make: MakeArchive, content: str, model: str = "iris", **other: str) -> Archive:
    """Make an image of a model; `bundle` is what it holds, where that is another."""
    bundle = json.dumps({"name": other.pop("bundle", model)})
    return make(content, bundle=bundle, **other, **labelled(model))


@pytest.fixture
def published(
    registry: str, tmp_path: Path, make_archive: MakeArchive, monkeypatch: pytest.MonkeyPatch
) -> Published:
    """Empty repositories, and a key of this test alone to sign with."""
    make_key(tmp_path / "key", monkeypatch)
    return Published(registry, tmp_path, make_archive)


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch) -> Iterator[Memory]:
    """A target, and an engine into which nothing may come that it does not roll out."""
    memory, fetched = Memory(), []

    def fetch(_: object, model: str, digest: str) -> RunnableImage:
        fetched.append(digest)
        return RunnableImage(model, digest, digest)

    monkeypatch.setattr(rollout, "fetch", fetch)
    monkeypatch.setattr(golden_check, "ask_examples", lambda *_, **__: None)
    yield memory
    assert fetched == memory.rolled_out


def cosign(*arguments: str) -> None:
    """Run cosign, which must succeed."""
    subprocess.run(["cosign", *arguments], check=True, capture_output=True)


def sign_by_hand(target: Registry, digest: str, folder: Path, claims: dict[str, str]) -> None:
    """Sign with the right key whatever is wanted, and not as publishing does."""
    known = subprocess.run(["cosign", "sign", "--help"], capture_output=True, text=True, check=True)
    newer = ["--use-signing-config=false"] if "--use-signing-config" in known.stdout else []
    annotations = [f"--annotations={name}={value}" for name, value in claims.items()]
    cosign("sign", "--yes", f"--key={folder}/key/cosign.key", "--tlog-upload=false", *newer,
           *annotations, f"{target}@{digest}")  # fmt: skip


def sign_as_iris(target: Registry, digest: str, folder: Path) -> None:
    """Sign an image by hand with the claims of iris."""
    sign_by_hand(target, digest, folder, IRIS)


def refused(target: Memory, source: Registry | Layout, tag: str, reason: str) -> None:
    """See a deploy refused for a reason, and in the history, with nothing changed."""
    before = list(target.rolled_out)
    with pytest.raises(StageError, match=f"refused, and nothing was changed: .*{reason}"):
        deploy(target, source, "iris", tag)
    assert target.rolled_out == before
    assert target.history[-1].result == "refused"


@signing
def test_signed_image_of_another_model_is_refused(published: Published, target: Memory) -> None:
    """A signed image of diabetes, copied with its signature to iris's repository, is refused."""
    diabetes = published.image("diabetes", "diabetes")
    publish(diabetes, [MAIN], published.diabetes)
    cosign("copy", f"{published.diabetes}:main", f"{published.iris}:main")
    assert published.iris.resolve("main") == diabetes.digest
    reason = "main must be an image of iris. Got one of diabetes instead"
    process = published.verify()
    assert process.returncode != 0
    assert reason in process.stderr
    refused(target, published.iris, "main", reason)


@pytest.mark.nightly
@signing
def test_old_signed_version_is_refused_under_a_newer_tag(
    published: Published, target: Memory
) -> None:
    """An image that is signed as 1.0.0 is refused under the tags 1.1.0 and 1.1."""
    old, new = published.image("old"), published.image("new", created=SECOND)
    publish(old, [Tag(tag, fixed=tag == "1.0.0") for tag in ("1.0.0", "1.0", "1")], published.iris)
    publish(new, [Tag(tag, fixed=tag == "1.1.0") for tag in ("1.1.0", "1.1", "1")], published.iris)
    assert published.verify("1.1.0").returncode == 0
    for tag in ("1.1.0", "1.1"):
        published.iris.tag(old, tag)
        refused(target, published.iris, tag, r"must be signed as .*1\.1.*signed as 1\.0\.0")
    process = published.verify("1.1.0")
    assert process.returncode != 0
    assert "1.1.0 must be signed as version 1.1.0. It is signed as 1.0.0" in process.stderr
    deploy(target, published.iris, "iris", "1.0.0")


@signing
def test_image_that_was_never_released_is_refused_as_latest(
    published: Published, target: Memory
) -> None:
    """A signed image of a branch is refused under `latest`, which promises a release."""
    branch = published.image("branch")
    publish(branch, [MAIN], published.iris)
    published.iris.tag(branch, "latest")
    refused(target, published.iris, "latest", "must be signed as a release")
    deploy(target, published.iris, "iris", "main")


@signing
def test_signature_that_names_another_model_is_refused(
    published: Published, target: Memory, tmp_path: Path
) -> None:
    """An image that is labelled iris and signed as another model is refused."""
    image = published.image("one")
    published.iris.push(image)
    published.iris.tag(image, "main")
    claims = {"model": "diabetes", "version": "1", "revision": "1"}
    sign_by_hand(published.iris, image.digest, tmp_path, claims)
    refused(target, published.iris, "main", "signatures say diabetes 1 of revision 1 instead")


@signing
def test_bundle_of_another_model_is_refused(
    published: Published, target: Memory, tmp_path: Path
) -> None:
    """An image labelled iris that holds another model's bundle is neither signed nor deployed."""
    image = published.image("one", bundle="diabetes")
    with pytest.raises(StageError, match=r"must hold a bundle of iris\. Got diabetes instead"):
        publish(image, [MAIN], published.iris)
    assert published.iris.tags() == []
    sign_as_iris(published.iris, image.digest, tmp_path)
    published.iris.tag(image, "main")
    refused(target, published.iris, "main", "must hold a bundle of iris. Got diabetes instead")


@signing
def test_annotation_that_is_not_signed_does_not_count(
    published: Published, target: Memory, tmp_path: Path
) -> None:
    """Annotations beside a signature do not count unless the signature covers them."""
    image = published.image("one")
    published.iris.push(image)
    published.iris.tag(image, "main")
    sign_by_hand(published.iris, image.digest, tmp_path, {})
    for tag in published.iris.tags():
        if tag.startswith("sha256-"):
            annotate(published.iris, tag, IRIS)
    reason = "must be signed as iris of revision 0123456789ab. Its signatures say nothing of that"
    refused(target, published.iris, "main", reason)


def annotate(target: Registry, tag: str, claims: dict[str, str]) -> None:
    """Write annotations into a manifest, and at all that it lists, without signing them."""
    host, _, name = str(target).partition("/")
    address = f"http://{host}/v2/{name}/manifests/{tag}"
    kinds = ("manifest", "index")
    accept = ", ".join(f"application/vnd.oci.image.{kind}.v1+json" for kind in kinds)
    reply = requests.get(address, headers={"Accept": accept}, timeout=10)
    manifest = reply.json()
    for described in (manifest, *manifest.get("layers", []), *manifest.get("manifests", [])):
        described["annotations"] = {**described.get("annotations", {}), **claims}
    kind = {"Content-Type": reply.headers["Content-Type"]}
    requests.put(address, json.dumps(manifest), headers=kind, timeout=10).raise_for_status()
    assert claims.items() <= requests.get(address, headers={"Accept": accept}, timeout=10).json()[
        "annotations"].items()  # fmt: skip


@signing
def test_signature_of_another_key_is_refused(
    published: Published, target: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signature with the right claims by another key is refused."""
    publish(published.image("one"), [MAIN], published.iris)
    make_key(tmp_path / "other", monkeypatch)
    refused(target, published.iris, "main", "must carry a valid signature")


@pytest.mark.nightly
@signing
def test_tag_that_was_moved_back_is_refused_without_the_word(
    published: Published, target: Memory
) -> None:
    """Deploying an image older than what serves takes OLDER=yes; a rollback does not."""
    old, new = published.image("old"), published.image("new", created=SECOND)
    same = published.image("same", created=SECOND)
    for image in (old, new, same):
        publish(image, [MAIN], published.iris)
    deploy(target, published.iris, "iris", old.digest)
    published.iris.tag(new, "main")
    deploy(target, published.iris, "iris", "main")
    published.iris.tag(old, "main")
    reason = r"was made 2026-02-01 .* It was made 2026-01-01 .*OLDER=yes"
    refused(target, published.iris, "main", reason)
    with pytest.raises(StageError, match=reason):
        canary(target, published.iris, "iris", "main", Trial(share=10, seconds=1))
    deploy(target, published.iris, "iris", same.digest)
    rollback(target, published.iris, "iris")
    deploy(target, published.iris, "iris", "main", older=True)
    assert target.rolled_out == [image.digest for image in (old, new, same, new, old)]


@pytest.mark.nightly
@signing
def test_index_is_verified_on_every_platform(
    published: Published, target: Memory, tmp_path: Path
) -> None:
    """An index of iris with one platform of diabetes is refused."""
    good = join([published.image("one", architecture=platform) for platform in ("amd64", "arm64")])
    publish(good, [MAIN], published.iris)
    deploy(target, published.iris, "iris", "main")
    parts = [published.image("two", architecture="amd64"),
             published.image("two", "diabetes", architecture="arm64")]  # fmt: skip
    mixed = Index(tuple(parts))
    with pytest.raises(StageError, match=r"must hold a bundle of iris\. Got diabetes instead"):
        publish(mixed, [MAIN], published.iris)
    sign_as_iris(published.iris, mixed.digest, tmp_path)
    refused(target, published.iris, mixed.digest, "All platforms of .* must be one and the same")


def test_folder_of_another_model_is_refused(
    tmp_path: Path, make_archive: MakeArchive, target: Memory
) -> None:
    """In dist/registry nothing is signed, but labels and bundle must be those of the model too."""
    for name, other in {"one": {"model": "diabetes"}, "two": {"bundle": "diabetes"}}.items():
        layout = Layout(tmp_path / name / "iris")
        publish(image(make_archive, name, **other), [MAIN], layout)
        refused(target, layout, "main", "of iris. Got (one of )?diabetes instead")
    layout = Layout(tmp_path / "three" / "iris")
    publish(image(make_archive, "three"), [MAIN], layout)
    deploy(target, layout, "iris", "main")
