"""A label on the pull request accepts a drop: before the merge, in the queue, and on main."""

from __future__ import annotations

from typing import Any

import pytest

from ship.github.api import GitHub
from ship.github.override import LABEL, reason
from tests.support.github.fake import State

READS = {"pull-requests": "read", "contents": "read"}
ACCEPTED = f"label {LABEL} set on pull request #1 by maintainer"


@pytest.fixture
def labelled(state: State) -> State:
    """One pull request that carries the label."""
    state.permissions = READS
    state.pull("a1", owner="octo")
    state.label(1, LABEL, "maintainer")
    return state


def run_of(state: State) -> dict[str, Any]:
    """Return the event of a pull request's run: its head is the one that is tested."""
    return {"pull_request": {"number": 1, "head": dict(state.pulls[0]["head"])}}


def test_label_accepts_the_drop_of_its_pull_request(labelled: State, client: GitHub) -> None:
    """The reason names the label, the pull request, and who set it."""
    assert reason(client, run_of(labelled)) == ACCEPTED


def test_label_counts_in_the_merge_queue(labelled: State, client: GitHub) -> None:
    """The label counts in the merge queue, whose branch names the pull request."""
    head = "refs/heads/gh-readonly-queue/main/pr-1-a1b2"
    assert reason(client, {"merge_group": {"head_ref": head}}) == ACCEPTED


def test_label_counts_on_main_after_the_merge(
    labelled: State, client: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The label counts on main after the pull request was merged."""
    labelled.merge(1, "c3")
    monkeypatch.setenv("GITHUB_SHA", "c3")
    assert reason(client, {"ref": "refs/heads/main"}) == ACCEPTED


def test_push_without_a_pull_request_accepts_nothing(
    labelled: State, client: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No label counts for a commit that was pushed straight to main."""
    monkeypatch.setenv("GITHUB_SHA", "d4")
    assert reason(client, {"ref": "refs/heads/main"}) == ""


def test_commit_of_another_merge_accepts_nothing(
    labelled: State, client: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The label of a pull request that merely contains the commit does not count."""
    labelled.merge(1, "c3")
    labelled.contains["d4"] = [1]
    monkeypatch.setenv("GITHUB_SHA", "d4")
    assert reason(client, {"ref": "refs/heads/main"}) == ""


def test_label_of_somebody_who_left_still_counts(labelled: State, client: GitHub) -> None:
    """A label counts although the account that set it was deleted."""
    labelled.pulls[0]["events"][0]["actor"] = None
    assert reason(client, run_of(labelled)) == ACCEPTED.replace("maintainer", "somebody")


def test_another_label_accepts_nothing(state: State, client: GitHub) -> None:
    """Only the one label counts."""
    state.permissions = READS
    state.pull("a1")
    state.label(1, "documentation", "maintainer")
    assert reason(client, run_of(state)) == ""


def test_override_needs_no_more_than_to_read(labelled: State, client: GitHub) -> None:
    """Reading the label needs only the read permissions that its job has."""
    reason(client, run_of(labelled))
    assert labelled.used == READS
