"""What is published, listed and compared straight from where it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.bundle import Bundle
from ship.destination import Destination
from ship.diff import diff
from ship.errors import UsageError
from ship.layout import Layout
from ship.models import show, versions
from ship.registry import Registry
from tests.ship.bundles import publish_to


@pytest.fixture(params=["layout", pytest.param("registry", marks=pytest.mark.docker)])
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
    found = {tuple(version.tags): version for version in versions(target)}
    assert set(found) == {("1.0.0", "main"), ("2.0.0",)}
    version = found["1.0.0", "main"]
    assert version.digest == first.digest
    assert version.created == "2026-01-01"
    assert version.size == size
    accuracy = good.manifest.metrics.holdout["accuracy"]
    assert float(version.metrics["accuracy"]) == pytest.approx(accuracy, rel=1e-5)
    assert not version.signed


def test_version_with_a_signature_is_said_to_have_one(
    target: Destination, good: Bundle, bad: Bundle, tmp_path: Path
) -> None:
    """A signature is a tag beside the image, named after its digest; it is no version itself."""
    archive = publish_to(target, good, tmp_path, "main")
    signature = archive.digest.replace(":", "-") + ".sig"
    publish_to(target, bad, tmp_path, signature)
    assert [(each.tags, each.signed) for each in versions(target)] == [(["main"], True)]


def test_models_without_a_version_are_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty destination is an answer, not an error."""
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
    for word in ("main", "2026-01-01", archive.digest[7:16], "accuracy", "no"):
        assert word in printed


@pytest.fixture
def dist(good: Bundle, bad: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of results in which 1.0.0 is good and 2.0.0 is not."""
    monkeypatch.delenv("REGISTRY", raising=False)
    target = Layout(tmp_path / "dist" / "registry" / "made")
    publish_to(target, good, tmp_path, "1.0.0")
    publish_to(target, bad, tmp_path, "2.0.0")
    return tmp_path / "dist"


def test_diff_reports_on_two_published_versions(dist: Path) -> None:
    """The second version is held against the first, in the three forms of the report."""
    folder = diff("made", "1.0.0", "2.0.0", dist)
    report = json.loads((folder / "report.json").read_bytes())
    assert report["scores"][0]["direction"] == "worse"
    assert "made:1.0.0" in report["note"]
    assert (folder / "report.html").exists()


def test_diff_without_two_tags_names_those_there_are(dist: Path) -> None:
    """Who does not remember a tag is told."""
    with pytest.raises(UsageError, match=r"Published: 1\.0\.0, 2\.0\.0\. Try: make diff"):
        diff("made", "1.0.0", "", dist)
