"""Number 6: an SBOM that was swapped between the scan and the signature was attested.

What the scan made is recorded with its hashes, for one digest, and read once: what is attested,
or goes out with a release, is what was verified.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from judge.report import NAME
from ship.build.inputs import plan
from ship.errors import ShipError, StageError
from ship.pipeline.admission import refuse_untested
from ship.pipeline.publish import publish
from ship.registry.oci_archive import Archive
from ship.registry.remote import Registry
from ship.supply_chain import cosign, passed_tests
from ship.supply_chain.passed_tests import evidence
from ship.supply_chain.scan import SBOMS
from ship.supply_chain.sign import sbom_of, sign
from ship.tags import Tag
from tests.support.images.oci_archives import MakeArchive
from tests.support.images.passed_images import image_of, pass_everything
from tests.support.images.signing import make_key
from tests.support.images.trivy_files import pass_scan, scans

MODEL, SPDX = "iris", SBOMS["spdx-json"]
FILES = ["scan.json", *SBOMS.values()]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """An image of this very checkout's iris that has passed everything."""
    image = image_of(tmp_path / MODEL, MODEL, plan(MODEL).image.hash)
    return pass_everything(image, MODEL)


@pytest.fixture
def other(tmp_path: Path) -> Archive:
    """Another image that has passed everything."""
    image = image_of(tmp_path / "other", MODEL, plan(MODEL).image.hash, "two")
    return pass_everything(image, MODEL)


@pytest.mark.parametrize("name", FILES)
def test_swapped_document_is_refused(archive: Archive, other: Archive, name: str) -> None:
    """A valid SBOM or scan of another image is refused, as the scan did not record its hash."""
    other.path.with_name(name).replace(archive.path.with_name(name))
    with pytest.raises(StageError, match=rf"must have a {name} of sha256:.*make scan MODEL=iris"):
        refuse_untested(archive, MODEL)


@pytest.mark.parametrize("name", FILES)
def test_document_about_another_image_is_refused(
    archive: Archive, other: Archive, name: str
) -> None:
    """A document about another image is refused even if the record has its hash."""
    subject = other.manifest["config"]["digest"]
    archive.path.with_name(name).write_text(json.dumps(scans(subject)[name]))
    passed_tests.record_scan(archive, {}, scanner="0" * 64, database=True)
    with pytest.raises(StageError, match=rf"must be about the image sha256:.*about {subject}"):
        refuse_untested(archive, MODEL)


@pytest.mark.parametrize("name", FILES)
def test_document_about_no_image_is_refused(archive: Archive, name: str) -> None:
    """A document that names no image is refused, as Trivy always names one."""
    document = json.loads(archive.path.with_name(name).read_text())
    emptied = {
        key: document[key] for key in document if key not in ("packages", "metadata", "Metadata")
    }
    archive.path.with_name(name).write_text(json.dumps(emptied))
    passed_tests.record_scan(archive, {}, scanner="0" * 64, database=True)
    with pytest.raises(StageError, match="must be about the image"):
        refuse_untested(archive, MODEL)


def test_document_about_two_images_is_refused(archive: Archive, other: Archive) -> None:
    """An SBOM that is about this image and another one is refused."""
    ours, theirs = (scans(image.manifest["config"]["digest"])[SPDX] for image in (archive, other))
    both = {**ours, "packages": ours["packages"] + theirs["packages"]}
    archive.path.with_name(SPDX).write_text(json.dumps(both))
    passed_tests.record_scan(archive, {}, scanner="0" * 64, database=True)
    with pytest.raises(StageError, match="must be about the image"):
        refuse_untested(archive, MODEL)


def test_swapped_sbom_is_not_signed(
    archive: Archive, other: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An SBOM swapped before signing is refused; swapped during it, cosign gets the right one."""
    attested: list[bytes] = []
    ours = archive.path.with_name(SPDX).read_bytes()

    def swap(*_: str) -> str:
        other.path.with_name(SPDX).replace(archive.path.with_name(SPDX))
        return "there is none"

    monkeypatch.setattr(cosign, "signer", list)
    monkeypatch.setattr(cosign, "signatures", lambda *_: cosign.Signatures(frozenset()))
    monkeypatch.setattr(cosign, "sign", lambda *_: None)
    monkeypatch.setattr(cosign, "attestation_fault", swap)
    monkeypatch.setattr(
        cosign, "attest", lambda _, __, file, ___: attested.append(Path(file).read_bytes())
    )
    assert sign(archive, [], Registry("127.0.0.1:9/iris"))
    assert attested == [ours]
    with pytest.raises(StageError, match=f"must have a {SPDX} of"):
        sign(archive, [], Registry("127.0.0.1:9/iris"))
    assert attested == [ours]


def test_sbom_that_is_a_link_is_not_followed(archive: Archive, other: Archive) -> None:
    """A link could lead to one file while it is verified, and to another while it is signed."""
    file = archive.path.with_name(SPDX)
    file.unlink()
    file.symlink_to(other.path.with_name(SPDX))
    with pytest.raises(ShipError, match=r"must be a regular file\. Got a link"):
        sbom_of(archive)


@pytest.mark.parametrize("form", ["html", "json", "md"])
def test_swapped_report_does_not_go_out_with_a_release(archive: Archive, form: str) -> None:
    """A release refuses a report that is not the one the gate wrote, in any of its formats."""
    archive.path.with_name(f"{NAME}.{form}").write_text("all is well")
    with pytest.raises(StageError, match=rf"must have a {NAME}\.{form} of sha256:"):
        evidence(archive, f"{NAME}.{form}", MODEL)


@pytest.mark.engine
def test_swapped_sbom_leaves_no_tag_in_a_registry(
    registry: str, make_archive: MakeArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real registry and key: an image whose SBOM is another's is neither signed nor tagged."""
    make_key(tmp_path / "key", monkeypatch)
    target = Registry(f"{registry}/{tmp_path.name.lower()}/iris")
    image, another = make_archive("one"), make_archive("two")
    another.path.with_name(SPDX).replace(image.path.with_name(SPDX))
    with pytest.raises(StageError, match=f"must have a {SPDX} of"):
        publish(image, [Tag("main")], target)
    assert target.tags() == []
    pass_scan(image)
    publish(image, [Tag("main")], target)
    command = ["cosign", "download", "attestation", f"{target}@{image.digest}"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
