"""The GitHub release of a tag: whole, once, and the latest only where it is final."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship import git
from ship.errors import StageError
from ship.github.api import GitHub
from ship.github.release import release
from tests.support.github.fake import State


@pytest.fixture
def assets(tmp_path: Path, state: State, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of files, and the command line of GitHub, which keeps releases in another."""
    state.permissions = {"contents": "write"}
    monkeypatch.setenv("GITHUB", str(tmp_path))
    monkeypatch.setenv("PATH", str(git.TOOL / "tests/workflows/bin"), prepend=":")
    (tmp_path / "assets").mkdir()
    for name in ("iris-card.md", "iris-amd64-report.json"):
        (tmp_path / "assets" / name).write_text(name)
    return tmp_path / "assets"


def options(assets: Path, tag: str) -> str:
    """Return what gh was told of a release."""
    return (assets.parent / "releases" / f"{tag}.options").read_text()


@pytest.mark.parametrize("tag", ["v1.2.3", "iris-v1.2.3", "v2.0.0-rc.1", "iris-v2.0.0-rc.1"])
def test_pre_release_is_not_the_latest(
    tag: str, assets: Path, client: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release has every file; a release candidate is marked as one, whatever is released."""
    monkeypatch.setenv("GITHUB_REF_NAME", tag)
    assert release(client, assets) == 0
    files = [file.name for file in sorted((assets.parent / "releases" / tag).iterdir())]
    assert files == ["iris-amd64-report.json", "iris-card.md"]
    assert ("--prerelease --latest=false" in options(assets, tag)) is ("-rc" in tag)


def test_release_that_is_there_stays(
    assets: Path, client: GitHub, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To run all jobs again, or a second run of one tag, changes no release."""
    monkeypatch.setenv("GITHUB_REF_NAME", "v1.2.3")
    state.releases.append({"id": 1, "tag_name": "v1.2.3", "draft": False, "html_url": "address"})
    assert release(client, assets) == 0
    assert not (assets.parent / "releases").exists()
    assert [known["id"] for known in state.releases] == [1]


def test_draft_of_a_run_that_ended_half_way_is_made_anew(
    assets: Path, client: GitHub, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was left without all of its files is removed, and another tag's draft is not."""
    monkeypatch.setenv("GITHUB_REF_NAME", "v1.2.3")
    state.releases += [
        {"id": number, "tag_name": tag, "draft": True, "html_url": "address"}
        for number, tag in enumerate(("v1.2.3", "v1.2.4", "v1.2.3"))
    ]
    assert release(client, assets) == 0
    assert [known["tag_name"] for known in state.releases] == ["v1.2.4"]
    assert (assets.parent / "releases/v1.2.3/iris-card.md").exists()


def test_release_that_gh_refuses_is_an_error(
    assets: Path, client: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job is red with what gh says, and the next run begins again."""
    monkeypatch.setenv("GITHUB_REF_NAME", "v1.2.3")
    (assets.parent / "releases/v1.2.3").mkdir(parents=True)
    with pytest.raises(StageError, match=r"(?s)v1\.2\.3 must become a release.*again"):
        release(client, assets)
