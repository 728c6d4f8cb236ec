"""Signing into a real registry, with a real key: what verifies, and everything that must not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ship.errors import ShipError, StageError, UsageError
from ship.pipeline.publish import publish, push
from ship.registry.image_files import HERE
from ship.registry.image_index import Index, join
from ship.registry.labels import MODEL, VERSION
from ship.registry.layout import Layout
from ship.registry.remote import Registry
from ship.supply_chain import cosign
from ship.supply_chain.identity import Claim, Identity
from ship.supply_chain.sign import sign
from ship.supply_chain.verify import Verified, read_bundle, verify
from ship.tags import Tag
from tests.support.images.oci_archives import MakeArchive, labelled, oci_archive
from tests.support.images.signing import make_key

MAIN, RELEASE = Tag("main"), Tag("1.0.0", fixed=True)
signing = pytest.mark.engine


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of this test alone."""
    make_key(tmp_path / "key", monkeypatch)


@pytest.fixture
def target(registry: str, tmp_path: Path) -> Registry:
    """An empty repository in a real registry."""
    return Registry(f"{registry}/{tmp_path.name.lower()}/iris")


@signing
def test_publish_signs_before_it_tags(
    key: None, target: Registry, make_archive: MakeArchive
) -> None:
    """What a tag leads to is signed, and its SBOM is attested, by the key that was given."""
    image = make_archive("one")
    publish(image, [MAIN], target)
    assert str(verify(target, image.digest, "iris")) == f"{image.digest}: bytes, signature, SBOM"


@signing
def test_push_leaves_no_tag_that_leads_to_the_image(
    key: None, target: Registry, make_archive: MakeArchive
) -> None:
    """After the push there are the bytes, their signature and attestation, and nothing else.

    cosign 2 names a tag after the digest for each of both; cosign 3 one for the list of them.
    """
    image = make_archive("one")
    assert push(image, [MAIN], target)
    name = image.digest.replace(":", "-")
    assert {tag.removeprefix(name) for tag in target.tags()} in ({".att", ".sig"}, {""})


@pytest.mark.nightly
@signing
def test_sign_again_adds_nothing(key: None, target: Registry, make_archive: MakeArchive) -> None:
    """Signing an image again adds no signature."""
    image = make_archive("one")
    publish(image, [MAIN, RELEASE], target)
    before = {tag: target.resolve(tag) for tag in target.tags()}
    assert sign(image, [RELEASE, MAIN], target)
    assert sign(image, [MAIN], target)
    assert {tag: target.resolve(tag) for tag in target.tags()} == before


@signing
def test_release_is_signed_as_its_version_too(
    key: None, target: Registry, make_archive: MakeArchive
) -> None:
    """An image that is released later gets a second signature, with its version."""
    image = make_archive("one")
    own = Claim(*labelled("iris").values())
    publish(image, [MAIN], target)
    assert cosign.signatures(str(target), image.digest).claims == {own}
    publish(image, [RELEASE, Tag("1.0"), Tag("latest")], target)
    released = own._replace(version="1.0.0")
    assert cosign.signatures(str(target), image.digest).claims == {own, released}


@pytest.mark.nightly
@signing
def test_label_that_names_a_release_needs_its_tag(
    key: None, target: Registry, make_archive: MakeArchive
) -> None:
    """An image that is labelled as a release is signed so only with that release's git tag."""
    image = make_archive("one", **{VERSION: "9.9.9"})
    with pytest.raises(
        StageError, match=r"must be a release only where git has its tag\. Got 9\.9"
    ):
        publish(image, [MAIN], target)
    assert target.tags() == []
    publish(image, [Tag("9.9.9", fixed=True)], target)


@signing
def test_image_that_does_not_say_what_it_is_is_not_signed(
    key: None, target: Registry, make_archive: MakeArchive
) -> None:
    """An image without the label of its model is not signed."""
    with pytest.raises(StageError, match=r"must have the label model-images\.model.*Got none"):
        publish(make_archive("one", **{MODEL: ""}), [MAIN], target)
    assert target.tags() == []


def test_examples_are_those_of_the_image_for_this_machine(
    tmp_path: Path, make_archive: MakeArchive
) -> None:
    """Of an index they are read from the image that will run here, by the digest that is listed."""
    target = Layout(tmp_path / "layout")
    ours, theirs = make_archive("one", HERE), make_archive("two", "riscv64")
    image = join([theirs, ours])
    publish(image, [MAIN], target)
    for layer in theirs.layers:
        (target.folder / "blobs" / layer["digest"].replace(":", "/")).unlink()
    assert set(read_bundle(target, image.digest)) == {"manifest.json", "examples.json"}


@pytest.mark.parametrize("examples", [b"[]", b"{}", b"not JSON", None])
def test_image_without_golden_examples_is_told(examples: bytes | None) -> None:
    """An image without golden examples is an error where they are to be asked."""
    bundle = {} if examples is None else {"examples.json": examples}
    claim = Claim(*labelled("iris").values())
    verified = Verified("sha256:1", Identity(claim, None), bundle, "bytes")
    with pytest.raises(StageError, match="sha256:1 must hold golden examples"):
        _ = verified.examples


@pytest.mark.nightly
@signing
def test_publish_joins_platforms_into_one_signed_index(
    key: None, target: Registry, make_archive: MakeArchive
) -> None:
    """One tag serves every platform; the index and each image in it are signed and attested."""
    amd64, arm64 = make_archive("one"), make_archive("one", "arm64")
    image = join([arm64, amd64])
    assert isinstance(image, Index)
    publish(image, [MAIN], target)
    assert target.resolve("main") == image.digest
    for digest in (image.digest, amd64.digest, arm64.digest):
        assert str(verify(target, digest, "iris")) == f"{digest}: bytes, signature, SBOM"


def test_layout_holds_an_index_of_platforms(tmp_path: Path, make_archive: MakeArchive) -> None:
    """A local layout takes several platforms as a registry does."""
    image = join([make_archive("one"), make_archive("one", "arm64")])
    target = Layout(tmp_path / "layout")
    publish(image, [MAIN], target)
    assert target.resolve("main") == image.digest
    assert "carries no signature" in str(verify(target, image.digest, "iris"))


def test_join_refuses_two_images_of_one_platform(make_archive: MakeArchive) -> None:
    """Two images of one platform are refused."""
    with pytest.raises(StageError, match="Each image must be of a platform of its own"):
        join([make_archive("one"), make_archive("two")])


def test_join_refuses_platforms_that_hold_different_bundles(make_archive: MakeArchive) -> None:
    """Images of two platforms with different bundles are refused."""
    with pytest.raises(StageError, match="must hold the same bundle"):
        join([make_archive("one"), make_archive("one", "arm64", bundle='{"other":1}')])


def test_join_reads_the_bundles_and_not_their_manifests_alone(tmp_path: Path) -> None:
    """A manifest that claims hashes of other files joins no images."""
    archives = [
        oci_archive(tmp_path / f"{architecture}.tar", {"bundle/manifest.json": b"{}",
                    "bundle/model.onnx": architecture.encode()}, {}, architecture)
        for architecture in ("amd64", "arm64")
    ]  # fmt: skip
    with pytest.raises(StageError, match="must hold the same bundle"):
        join(archives)


@signing
def test_verify_refuses_an_unsigned_image(
    key: None, target: Registry, make_archive: MakeArchive
) -> None:
    """An image that came into the registry another way is refused, and the reason is said."""
    image = make_archive("one")
    target.push(image)
    with pytest.raises(StageError, match=r"must carry a valid signature\..*no signatures found"):
        verify(target, image.digest, "iris")


@signing
def test_verify_refuses_the_signature_of_another_key(
    key: None,
    target: Registry,
    make_archive: MakeArchive,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A signature counts only from the key that was named."""
    image = make_archive("one")
    publish(image, [MAIN], target)
    make_key(tmp_path / "other", monkeypatch)
    with pytest.raises(StageError, match="must carry a valid signature"):
        verify(target, image.digest, "iris")


@pytest.mark.nightly
@signing
def test_verify_refuses_a_signature_moved_to_another_image(
    key: None, target: Registry, make_archive: MakeArchive
) -> None:
    """A good image's signature does not vouch for what somebody attaches it to."""
    good, bad = make_archive("one"), make_archive("two")
    publish(good, [MAIN], target)
    target.push(bad)
    name, other = (digest.replace(":", "-") for digest in (good.digest, bad.digest))
    command = ["skopeo", "copy", "--quiet", "--all", "--src-tls-verify=false",
               "--dest-tls-verify=false"]  # fmt: skip
    beside = [tag for tag in target.tags() if tag.startswith(name)]
    assert beside
    for tag in beside:
        copied = tag.replace(name, other)
        subprocess.run([*command, f"docker://{target}:{tag}", f"docker://{target}:{copied}"],
                       check=True)  # fmt: skip
    with pytest.raises(StageError, match="must carry a valid signature"):
        verify(target, bad.digest, "iris")


@signing
def test_verify_refuses_an_image_that_is_not_there(key: None, target: Registry) -> None:
    """A digest that the registry does not hold is named."""
    digest = f"sha256:{'0' * 64}"
    with pytest.raises(StageError, match=str(target)):
        verify(target, digest, "iris")


def test_verify_refuses_an_image_that_a_layout_does_not_hold(tmp_path: Path) -> None:
    """A digest that was never published here is named."""
    digest = f"sha256:{'0' * 64}"
    with pytest.raises(ShipError, match=rf"must hold {digest}\. It does not"):
        verify(Layout(tmp_path / "layout"), digest, "iris")


@signing
def test_publish_says_that_nothing_can_sign(
    target: Registry,
    make_archive: MakeArchive,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Without a key or a workflow's identity the image goes out unsigned, and the run says so."""
    for name in ("COSIGN_KEY", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    publish(make_archive("one"), [MAIN], target)
    assert target.tags() == ["main"]
    assert "not signed: set COSIGN_KEY" in capsys.readouterr().out


def test_signing_refuses_a_key_that_nobody_can_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    """A private key without its public one is refused before anything is signed."""
    monkeypatch.setenv("COSIGN_KEY", "cosign.key")
    monkeypatch.delenv("COSIGN_PUBLIC_KEY", raising=False)
    with pytest.raises(UsageError, match=r"COSIGN_PUBLIC_KEY.* must go with the key"):
        cosign.signer()
