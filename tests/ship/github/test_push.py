"""Pushing what a workflow wrote, to a real repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship.errors import ShipError
from ship.github.push import push
from tests.support.checkouts.checkout import Checkout


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout whose origin is a repository in a folder."""
    for name in ("origin", "clone"):
        (tmp_path / name).mkdir()
    clone = Checkout(tmp_path / "clone")
    clone.commit(a="one")
    clone.git("init", "--quiet", "--bare", str(tmp_path / "origin"))
    clone.git("remote", "add", "origin", str(tmp_path / "origin"))
    monkeypatch.setenv("GITHUB_TOKEN", "token")
    return clone


def test_push_commits_what_has_changed(clone: Checkout) -> None:
    """The branch holds the change, under the bot's name, and git's settings hold no token."""
    (clone.root / "a").write_text("two")
    push("retrain-1", "Train on the data of today", clone.root)
    assert clone.git("ls-remote", "origin", "retrain-1").split()[0] == clone.git(
        "rev-parse", "HEAD"
    )
    assert clone.git("log", "-1", "--format=%an: %s") == (
        "github-actions[bot]: Train on the data of today"
    )
    assert "token" not in (clone.root / ".git" / "config").read_text()


def test_push_hands_on_the_commit(
    clone: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later jobs take what was pushed by its sha, which no later push moves."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    (clone.root / "a").write_text("two")
    push("retrain-1", "Train on the data of today", clone.root)
    sha = clone.git("rev-parse", "HEAD")
    assert (tmp_path / "outputs").read_text() == f"commit={sha}\n"


def test_push_of_nothing_new_moves_the_branch_alone(clone: Checkout) -> None:
    """Without a change there is no empty commit."""
    before = clone.git("rev-parse", "HEAD")
    push("main", "Change", clone.root)
    assert clone.git("ls-remote", "origin", "main").split()[0] == before


def test_push_that_is_refused_names_the_branch(clone: Checkout) -> None:
    """A branch that has moved on is never overwritten."""
    push("main", "Change", clone.root)
    clone.git("commit", "--quiet", "--amend", "--message=Other")
    with pytest.raises(ShipError, match="main must be a branch that this job may push to"):
        push("main", "Change", clone.root)


def test_push_of_a_branch_anew_replaces_it(clone: Checkout) -> None:
    """The branch of a retraining is the workflow's own: the data of today replace last month's."""
    first = clone.git("rev-parse", "HEAD")
    (clone.root / "a").write_text("of last month")
    push("retrain-iris", "Train", clone.root, anew=True)
    clone.git("reset", "--quiet", "--hard", first)
    (clone.root / "a").write_text("of today")
    push("retrain-iris", "Train", clone.root, anew=True)
    assert clone.git("ls-remote", "origin", "retrain-iris").split()[0] == clone.git(
        "rev-parse", "HEAD"
    )
