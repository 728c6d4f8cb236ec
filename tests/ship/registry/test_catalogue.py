"""What is published, listed and compared straight from where it is."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import requests

from contract.bundle import Bundle
from ship.compare.diff import diff
from ship.errors import StageError, UsageError
from ship.pipeline.publish import publish
from ship.registry.catalogue import PREDICATES, published_images, show
from ship.registry.destination import Destination, destination
from ship.registry.image_index import MEDIA_TYPE
from ship.registry.layout import Layout
from ship.registry.remote import Registry
from ship.tags import Tag
from tests.support.images.bundle_images import publish_to
from tests.support.images.oci_archives import MANIFEST, MakeArchive
from tests.support.images.signing import make_key

EMPTY = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"  # of {}


@pytest.fixture(params=["layout", pytest.param("registry", marks=pytest.mark.engine)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Destination:
    """A fresh destination of each kind."""
    if request.param == "layout":
        return Layout(tmp_path / "dist" / "registry" / "made")
    return Registry(f"{request.getfixturevalue('registry')}/{tmp_path.name.lower()}/made")


def test_versions_tell_each_image_once_with_all_its_tags(
    target: Destination, good: Bundle, bad: Bundle, tmp_path: Path
) -> None:
    """Date, digest, revision, metrics and size come from the image itself."""
    first = publish_to(target, good, tmp_path, "1.0.0", "main")
    size = first.compressed_size
    publish_to(target, bad, tmp_path, "2.0.0")
    by_tags = {tuple(version.tags): version for version in published_images(target)}
    assert set(by_tags) == {("1.0.0", "main"), ("2.0.0",)}
    version = by_tags["1.0.0", "main"]
    assert version.digest == first.digest
    assert version.created == "2026-01-01"
    assert version.size == size
    accuracy = good.manifest.metrics.holdout["accuracy"]
    assert float(version.metrics["accuracy"]) == pytest.approx(accuracy, rel=1e-5)
    assert version.beside == []


def test_version_with_a_signature_is_said_to_have_one(
    target: Destination, good: Bundle, bad: Bundle, tmp_path: Path
) -> None:
    """A signature is listed with its image, and not as a version."""
    archive = publish_to(target, good, tmp_path, "main")
    signature = archive.digest.replace(":", "-") + ".sig"
    publish_to(target, bad, tmp_path, signature)
    beside = [(version.tags, version.beside) for version in published_images(target)]
    assert beside == [(["main"], ["signature"])]


@pytest.mark.nightly
@pytest.mark.engine
def test_signature_and_sbom_of_cosign_are_found(
    registry: str, make_archive: MakeArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real signature and attestation are told apart from an image that has neither."""
    target = Registry(f"{registry}/{tmp_path.name.lower()}/made")
    plain, signed = make_archive("plain"), make_archive("signed")
    publish(plain, [Tag("plain")], target)
    make_key(tmp_path / "key", monkeypatch)
    publish(signed, [Tag("signed")], target)
    beside = {version.tags[0]: version.beside for version in published_images(target)}
    assert beside == {"plain": [], "signed": ["signature", "SBOM"]}


def referrer(kind: str) -> bytes:
    """Return a manifest as cosign 3 and GitHub write them."""
    empty = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": EMPTY, "size": 2}
    annotations = {"dev.sigstore.bundle.predicateType": kind}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": empty, "layers": [empty],
                "annotations": annotations}  # fmt: skip
    return json.dumps(manifest).encode()


def listed(*manifests: bytes) -> dict[str, object]:
    """Return an index of manifests."""
    digests = [f"sha256:{hashlib.sha256(manifest).hexdigest()}" for manifest in manifests]
    entries = [
        {"mediaType": MANIFEST, "digest": digest, "size": len(manifest)}
        for digest, manifest in zip(digests, manifests, strict=True)
    ]
    return {"schemaVersion": 2, "mediaType": MEDIA_TYPE, "manifests": entries}


@pytest.mark.engine
def test_referrers_are_found_by_their_tag(
    registry: str, make_archive: MakeArchive, tmp_path: Path
) -> None:
    """Where a registry has no list of referrers, they are in an index named after the digest."""
    name = f"{tmp_path.name.lower()}/made"
    target, image = Registry(f"{registry}/{name}"), make_archive("one")
    publish(image, [Tag("main")], target)
    upload = requests.post(f"http://{registry}/v2/{name}/blobs/uploads/", timeout=10)
    requests.put(upload.headers["Location"], params={"digest": EMPTY}, data=b"{}", timeout=10)
    manifests = [referrer(kind) for kind in (*PREDICATES, "https://example.com/other")]
    put = {
        f"sha256:{hashlib.sha256(manifest).hexdigest()}": (manifest, MANIFEST)
        for manifest in manifests
    }
    put[image.digest.replace(":", "-")] = (json.dumps(listed(*manifests)).encode(), MEDIA_TYPE)
    for reference, (content, kind) in put.items():
        answer = requests.put(f"http://{registry}/v2/{name}/manifests/{reference}", data=content,
                              headers={"Content-Type": kind}, timeout=10)  # fmt: skip
        assert answer.status_code == 201, answer.text
    (version,) = published_images(target)
    assert version.tags == ["main"]
    assert version.beside == ["signature", "SBOM", "provenance"]


class Closed(Layout):
    """A destination that does not say what refers to its images."""

    def referrers(self, _: str) -> list[dict[str, Any]]:
        """Refuse to say it."""
        raise StageError("who are you?")


@pytest.mark.parametrize(
    ("tags", "beside"), [([], ["unknown"]), ([".sig"], ["signature", "unknown"])]
)
def test_models_do_not_say_what_could_not_be_read(
    make_archive: MakeArchive, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    tags: list[str], beside: list[str],
) -> None:  # fmt: skip
    """An image that may be signed is not said to be unsigned; the reason is said once."""
    target, image = Closed(tmp_path / "layout"), make_archive("one")
    name = image.digest.replace(":", "-")
    publish(image, [Tag("main"), *(Tag(name + suffix) for suffix in tags)], target)
    publish(make_archive("two"), [Tag("other")], target)
    show("iris", target)
    printed = capsys.readouterr().out
    assert "not signed" not in printed
    assert all(word in printed for word in beside)
    assert printed.count("who are you?") == 1


def test_models_without_a_version_are_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """For an empty destination the list says that nothing is published."""
    show("made", Layout(tmp_path / "nowhere"))
    assert "made: nothing is published at oci:" in capsys.readouterr().out


def test_models_prints_a_line_for_each_version(
    good: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table holds what a person looks for: tag, date, digest, metrics."""
    target = Layout(tmp_path / "layout")
    archive = publish_to(target, good, tmp_path, "main")
    show("made", target)
    printed = capsys.readouterr().out
    for word in ("main", "2026-01-01", archive.digest[7:16], "accuracy", "not signed"):
        assert word in printed


@pytest.fixture(params=["layout", pytest.param("registry", marks=pytest.mark.engine)])
def dist(
    request: pytest.FixtureRequest,
    good: Bundle,
    bad: Bundle,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A folder of results; 1.0.0 is published and good, 2.0.0 is not good."""
    monkeypatch.delenv("REGISTRY", raising=False)
    if request.param == "registry":
        owner = f"{request.getfixturevalue('registry')}/{tmp_path.name.lower()}"
        monkeypatch.setenv("REGISTRY", owner)
    target = destination("made", tmp_path / "dist")
    publish_to(target, good, tmp_path, "1.0.0")
    publish_to(target, bad, tmp_path, "2.0.0")
    return tmp_path / "dist"


@pytest.mark.daily(1)
def test_diff_reports_on_two_published_versions(dist: Path) -> None:
    """The second version is held against the first, in the three formats of the report."""
    folder = diff("made", "1.0.0", "2.0.0", dist)
    report = json.loads((folder / "report.json").read_bytes())
    assert report["scores"][0]["direction"] == "worse"
    assert "made:1.0.0" in report["note"]
    assert (folder / "report.html").exists()


def test_diff_without_two_tags_names_those_there_are(dist: Path) -> None:
    """Without two tags, the error of `diff` names those that exist."""
    with pytest.raises(UsageError, match=r"Published: 1\.0\.0, 2\.0\.0\. Try: make diff"):
        diff("made", "1.0.0", "", dist)


def test_line_says_where_metrics_are_claims(
    make_archive: MakeArchive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list marks metrics that nothing here has measured as claims."""
    labels = {"model-images.metric.r2": "0.9", "model-images.evaluation": "claimed"}
    target = Layout(tmp_path / "layout")
    publish(make_archive("claimed", **labels), [Tag("main")], target)
    show("iris", target)
    assert "claimed:" in capsys.readouterr().out
