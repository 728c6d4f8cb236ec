"""Scanning what is published, with Trivy, a database of its kind and a registry as they are."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ship import git
from ship.build.workspace import Workspace
from ship.errors import StageError, UsageError
from ship.pipeline.publish import publish
from ship.pipeline.rescan import Scanned, chosen, rescan, table, tell
from ship.registry.image_index import Image, join
from ship.registry.remote import Registry
from ship.supply_chain import scan as scanning
from ship.supply_chain.scan import find_database, scan
from ship.tags import Tag
from tests.support.images.oci_archives import MakeArchive, oci_archive
from tests.support.images.trivy_database import Vulnerability, serve_database

METADATA = "usr/local/lib/python3.13/site-packages/h11-{0}.dist-info/METADATA"
FOUND = "HIGH CVE-2026-0001 in h11 0.1: update to 9.9"
MakeImage = Callable[..., Image]


@pytest.fixture
def dist() -> Iterator[Path]:
    """A folder of this test in dist/, where Trivy can look even from a container."""
    (git.TOOL / "dist").mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="test-", dir=git.TOOL / "dist") as folder:
        yield Path(folder)


@pytest.fixture
def known(registry: str, dist: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a database, in a registry, that knows a vulnerability of h11 before 9.9."""
    known = Vulnerability("CVE-2026-0001", "h11", fixed="9.9", severity="HIGH")
    for name, value in serve_database(registry, [known], dist / "trivy").items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def target(registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """An empty repository of iris in a real registry."""
    monkeypatch.setenv("REGISTRY", f"{registry}/{tmp_path.name.lower()}")
    return Registry(f"{os.environ['REGISTRY']}/iris")


@pytest.fixture
def make_image(tmp_path: Path) -> MakeImage:
    """Make an image for some platforms with a version of h11 installed."""

    def make(version: str, *platforms: str) -> Image:
        metadata = f"Metadata-Version: 2.1\nName: h11\nVersion: {version}\n".encode()
        files = {METADATA.format(version): metadata}
        paths = [tmp_path / f"{version}-{platform}.tar" for platform in platforms]
        made = [oci_archive(path, files, {}, path.stem.partition("-")[2]) for path in paths]
        return join(made)

    return make


@pytest.mark.nightly
@pytest.mark.engine
def test_rescan_finds_what_is_known_today(
    known: None, target: Registry, make_image: MakeImage
) -> None:
    """Only the image with the vulnerable package has something to mend, told once for all."""
    bad, good = make_image("0.1", "amd64", "arm64"), make_image("9.9", "amd64")
    publish(good, [Tag("1.0.0", fixed=True)], target)
    publish(bad, [Tag("1.1.0", fixed=True), Tag("latest"), Tag("main")], target)
    assert rescan(["iris"]) == [
        Scanned("iris", bad.digest, ["main", "latest", "1.1.0"], [FOUND], "2 high"),
        Scanned("iris", good.digest, ["1.0.0"], [], "none"),
    ]


@pytest.mark.engine
def test_rescan_of_nothing_finds_nothing(known: None, target: Registry) -> None:
    """A fork that has not published yet has nothing to mend."""
    assert rescan(["iris"]) == []


@pytest.mark.engine
def test_rescan_chooses_the_newest_releases(target: Registry, make_archive: MakeArchive) -> None:
    """The newest releases by version are scanned, but no pre-release, series or branch."""
    for tag in ("0.9.0", "0.10.0", "0.2.0", "0.11.0", "1.0.0-rc.1", "0.9", "branch-x"):
        publish(make_archive(tag), [Tag(tag)], target)
    tags = [tag for release_tags in chosen(target, "iris").values() for tag in release_tags]
    assert tags == ["0.11.0", "0.10.0", "0.9.0"]


def test_rescan_needs_a_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a registry, scanning is refused with the setting to make."""
    monkeypatch.setattr(scanning, "has_database", lambda: True)
    monkeypatch.delenv("REGISTRY", raising=False)
    with pytest.raises(UsageError, match="REGISTRY=host/owner"):
        rescan(["iris"])


def test_rescan_needs_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scanning is refused if the vulnerability database cannot be read."""
    monkeypatch.setattr(scanning, "has_database", lambda: False)
    with pytest.raises(StageError, match="database must be reachable"):
        rescan(["iris"])


def test_tell_leaves_a_report_for_the_next_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output of the job is one line: the table, and the findings as data."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    images = [Scanned("iris", "sha256:1", ["main"], [FOUND], "1 high")]
    tell(images)
    name, _, value = (tmp_path / "output").read_text().rstrip("\n").partition("=")
    report = {"table": table(images), "findings": [f"iris (main): {FOUND}"]}
    assert (name, json.loads(value)) == ("report", report)
    assert f"- iris (main): {FOUND}\n" in (tmp_path / "summary").read_text()


def test_tell_fits_the_environment_of_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much is found, the next job can be given it."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    findings = ["→" * 60_000, *[FOUND] * 500]
    tell(
        [Scanned(f"iris-{number}", "sha256:1", ["main"], findings, "high") for number in range(50)]
    )
    output = (tmp_path / "output").read_text()
    assert len(output) < 128 * 1024  # what Linux gives a variable of the environment
    report = json.loads(output.removeprefix("report="))
    assert report["findings"][1] == f"iris-0 (main): {FOUND}"
    assert report["table"].startswith("There is more than an issue can hold")


@pytest.mark.nightly
@pytest.mark.engine
def test_scan_stops_an_image_with_a_vulnerability_that_has_a_fix(
    known: None, python_image: str, dist: Path
) -> None:
    """The gate of the pipeline, with a real Trivy that looks a package up in its database."""
    build = Workspace("iris", python_image, dist)
    build.folder.mkdir()
    files = {METADATA.format("0.1"): b"Metadata-Version: 2.1\nName: h11\nVersion: 0.1\n"}
    oci_archive(build.archive.path, files, {})
    with pytest.raises(StageError, match=FOUND):
        scan(build, build.archive, database=find_database())
