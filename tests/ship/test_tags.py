"""The tags of a version, beside others that exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship import git
from ship.errors import StageError, UsageError
from ship.tags import (
    Version,
    branch_tag,
    parse,
    refuse_unreviewed,
    series,
    tags_of_head,
)
from tests.support.checkouts.checkout import Checkout


def names(version: str, *others: str) -> dict[str, str]:
    """Return what a version's series name where `others` are the model's other versions."""
    releases = {release for tag in (version, *others) if (release := parse(tag, "iris"))}
    wanted = parse(version, "iris")
    assert wanted is not None
    return {tag: str(newest) for tag, newest in series(wanted, releases).items()}


def test_newest_release_is_that_of_every_series() -> None:
    """The newest release of all moves its minor, its major, and latest."""
    assert names("v1.2.3", "v1.2.2", "v0.9.0") == {"1.2": "1.2.3", "1": "1.2.3", "latest": "1.2.3"}


def test_patch_to_an_old_series_leaves_the_newer_ones_alone() -> None:
    """A fix of 1.2 after 1.3 and 2.0 moves 1.2 alone."""
    moved = names("v1.2.4", "v1.2.3", "v1.3.0", "v2.0.0")
    assert moved == {"1.2": "1.2.4", "1": "1.3.0", "latest": "2.0.0"}


def test_versions_compare_numbers_not_text() -> None:
    """1.10 is newer than 1.9."""
    assert names("v1.10.0", "v1.9.0")["latest"] == "1.10.0"


def test_pre_release_is_in_no_series() -> None:
    """A release candidate is published under its own name alone, and is newer than no release."""
    assert names("v2.0.0-rc.1", "v1.0.0") == {}
    assert names("v1.0.0", "v2.0.0-rc.1")["latest"] == "1.0.0"


@pytest.mark.parametrize("tag", ["1.2.3", "v1.2", "v01.2.3", "v1.2.3+build", "penguins-v1.2.3",
                                 "iris-1.2.3", "vv1.2.3", "v1.2.3-"])  # fmt: skip
def test_parse_ignores_tags_that_are_no_version_of_the_model(tag: str) -> None:
    """Other models' tags and anything but a whole semantic version are passed over."""
    assert parse(tag, "iris") is None


@pytest.mark.parametrize("tag", ["v1.2.3", "iris-v1.2.3"])
def test_parse_takes_a_version_for_all_models_and_for_one(tag: str) -> None:
    """`v1.2.3` releases every model and `iris-v1.2.3` iris alone."""
    assert parse(tag, "iris") == Version(1, 2, 3)


@pytest.mark.parametrize(
    ("branch", "tag"),
    [
        ("main", "main"),
        ("feature/Better trees", "feature-Better-trees"),
        ("latest", "branch-latest"),
        ("1.2.3", "branch-1.2.3"),
        ("v2", "branch-v2"),
        ("sha-0123", "branch-sha-0123"),
        ("--", "branch-"),
    ],
)
def test_branch_tag_cannot_pose_as_a_release(branch: str, tag: str) -> None:
    """Whatever a branch is called, its tag is valid and means the branch."""
    assert branch_tag(branch) == tag


@pytest.fixture
def checkout(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout that holds both the tool and the models."""
    monkeypatch.setattr(git, "TOOL", checkout.root)
    return checkout


def test_tags_of_head_are_the_commit_the_inputs_and_the_branch(checkout: Checkout) -> None:
    """A commit is published under its sha, its inputs and its branch, and under no version."""
    sha = checkout.commit()
    checkout.git("tag", "v1.0.0")
    names = [tag.name for tag in tags_of_head("0123", checkout.root)]
    assert names == [f"sha-{sha[:12]}", "inputs-0123", "main"]


def test_tags_of_head_in_a_changed_checkout_name_no_release(checkout: Checkout) -> None:
    """Uncommitted changes are published as such, whatever tag or branch is checked out."""
    sha = checkout.commit(file="one")
    checkout.git("tag", "v1.0.0")
    (checkout.root / "file").write_text("two")
    assert [tag.name for tag in tags_of_head("0123", checkout.root)] == [f"sha-{sha[:12]}-dirty"]


@pytest.fixture
def detached(checkout: Checkout) -> Checkout:
    """What a workflow checks out: a commit by its sha, of a repository whose branches are known."""
    sha = checkout.commit()
    checkout.git("update-ref", "refs/remotes/origin/main", sha)
    checkout.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    checkout.git("checkout", "--quiet", "--detach")
    checkout.git("branch", "--delete", "--force", "main")
    return checkout


def test_tags_of_a_detached_head_name_the_branch_that_brought_it(
    detached: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workflow says which branch it publishes, since a commit alone does not."""
    commit = f"sha-{detached.git('rev-parse', 'HEAD')[:12]}"
    assert [tag.name for tag in tags_of_head("0123", detached.root)] == [commit, "inputs-0123"]
    monkeypatch.setenv("BRANCH", "main")
    assert [tag.name for tag in tags_of_head("0123", detached.root)] == [
        commit,
        "inputs-0123",
        "main",
    ]


@pytest.mark.parametrize(
    "branch", ["other", "main~0", "HEAD", "../main", "main\nother", "--all", "$(id)", "", "*"]
)
def test_tags_refuse_a_branch_that_does_not_hold_the_commit(
    branch: str, detached: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tag cannot lie: BRANCH is a branch, and the commit is on it; an empty one is none."""
    monkeypatch.setenv("BRANCH", branch)
    if not branch:
        assert len(tags_of_head("0123", detached.root)) == 2
        return
    with pytest.raises(UsageError, match="BRANCH must be a branch that holds sha-"):
        tags_of_head("0123", detached.root)


def test_tags_refuse_a_branch_that_has_left_the_commit_behind(
    detached: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A branch that was rewritten meanwhile does not name what it no longer holds."""
    detached.commit(other="file")
    detached.git("update-ref", "refs/remotes/origin/main", "HEAD^")
    monkeypatch.setenv("BRANCH", "main")
    with pytest.raises(UsageError, match="BRANCH must be a branch that holds sha-"):
        tags_of_head("0123", detached.root)


def test_tags_believe_git_before_the_environment(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a branch, that branch counts and BRANCH does not."""
    checkout.commit()
    checkout.git("branch", "other")
    monkeypatch.setenv("BRANCH", "other")
    assert tags_of_head("0123", checkout.root)[-1].name == "main"


def test_release_of_a_commit_that_is_not_on_main_is_refused(tmp_path: Path) -> None:
    """Whoever may push a tag cannot release what was never merged."""
    checkout = Checkout(tmp_path)
    checkout.commit(readme="one")
    checkout.git("switch", "--quiet", "--create", "topic")
    sha = checkout.commit(readme="two")
    checkout.git("switch", "--quiet", "--detach", "main")
    refuse_unreviewed("v1.2.3", tmp_path, {"BRANCH": "main"})
    checkout.git("switch", "--quiet", "--detach", "topic")
    with pytest.raises(StageError, match=rf"v1\.2\.3 must be on a commit of main.*sha-{sha[:12]}"):
        refuse_unreviewed("v1.2.3", tmp_path, {"BRANCH": "main"})
    refuse_unreviewed("v1.2.3", tmp_path, {})
