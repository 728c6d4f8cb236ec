"""Number 13: a maintainer accepts a drop by a label, and the author pushes another model then.

The label stayed, and with it the acceptance of what nobody has looked at. The dates of commits are
their author's to choose; GitHub's list of pushes, which decides now, is not.
"""

from __future__ import annotations

from typing import Any

import pytest

from ship.github.api import GitHub
from ship.github.override import LABEL, override, reason
from tests.support.github.fake import REPOSITORY, State

READS = {"pull-requests": "read", "contents": "read"}
ACCEPTED = f"label {LABEL} set on pull request #1 by maintainer"
FORK, OWN = "stranger", REPOSITORY.partition("/")[0]
MERGED = {"ref": "refs/heads/main"}
QUEUED = {"merge_group": {"head_ref": "refs/heads/gh-readonly-queue/main/pr-1-a1b2"}}


@pytest.fixture(params=[FORK, OWN])
def labelled(request: pytest.FixtureRequest, state: State) -> State:
    """A pull request of a fork, or of a branch here, whose drop a maintainer has accepted."""
    state.permissions = READS
    state.pull("a1", owner=request.param)
    state.label(1, LABEL, "maintainer")
    return state


def run_of(state: State) -> dict[str, Any]:
    """Return the event of a run on what the pull request's head is now."""
    return {"pull_request": {"number": 1, "head": dict(state.pulls[0]["head"])}}


@pytest.mark.parametrize("kind", ["push", "force_push", "pr_merge", "branch_creation"])
def test_label_does_not_count_for_what_was_pushed_after_it(
    kind: str, labelled: State, client: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    """A label set before the newest push does not count; the log says why, and what to do."""
    assert reason(client, run_of(labelled)) == ACCEPTED
    labelled.push(1, "b2", kind)
    assert reason(client, run_of(labelled)) == ""
    assert capsys.readouterr().err == (
        f"override: the label {LABEL} set on pull request #1 does not count: "
        "the branch was pushed to at 2026-01-01 00:00:03; set the label again\n"
    )


def test_label_that_is_set_again_counts_again(labelled: State, client: GitHub) -> None:
    """A label that is taken away and set again after the push counts."""
    labelled.push(1, "b2")
    labelled.unlabel(1, LABEL, "maintainer")
    assert reason(client, run_of(labelled)) == ""
    labelled.label(1, LABEL, "another")
    assert reason(client, run_of(labelled)) == ACCEPTED.replace("maintainer", "another")


def test_another_label_after_the_push_changes_nothing(labelled: State, client: GitHub) -> None:
    """Setting another label after the push does not renew the one that counts."""
    labelled.push(1, "b2")
    labelled.label(1, "documentation", "maintainer")
    assert reason(client, run_of(labelled)) == ""


def test_commit_that_was_seen_before_is_pushed_anew(labelled: State, client: GitHub) -> None:
    """A force push back to the labelled commit is a push after the label."""
    labelled.push(1, "b2", "force_push")
    labelled.push(1, "a1", "force_push")
    assert reason(client, run_of(labelled)) == ""


def test_label_does_not_count_in_the_same_second(labelled: State, client: GitHub) -> None:
    """A label set in the same second as the push does not count."""
    labelled.push(1, "b2")
    labelled.seconds -= 1
    labelled.label(1, LABEL, "maintainer")
    assert reason(client, run_of(labelled)) == ""


def test_label_counts_for_no_older_head(labelled: State, client: GitHub) -> None:
    """The label does not count in a repeated run of an earlier commit."""
    old = run_of(labelled)
    labelled.push(1, "b2")
    labelled.label(1, LABEL, "maintainer")
    assert reason(client, old) == ""


def test_push_that_github_does_not_list_yet_is_waited_for(
    labelled: State, client: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    """A label does not count until GitHub lists the push of the head, which is waited for."""
    labelled.pulls[0]["head"]["sha"] = "b2"
    assert reason(client, run_of(labelled)) == ""
    assert "GitHub does not list the push of b2" in capsys.readouterr().err


@pytest.mark.parametrize("merged", [False, True])
def test_stale_label_counts_neither_in_the_queue_nor_on_main(
    merged: bool,  # noqa: FBT001 - where the run is
    labelled: State,
    client: GitHub,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A label older than the last push does not count in the merge queue or on main either."""
    monkeypatch.setenv("GITHUB_SHA", "c3")
    labelled.push(1, "b2")
    if merged:
        labelled.merge(1, "c3")
    assert reason(client, MERGED if merged else QUEUED) == ""


def test_label_outlives_what_happens_after_the_merge(
    labelled: State, client: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The label counts although the branch is deleted, or pushed to, after the merge."""
    monkeypatch.setenv("GITHUB_SHA", "c3")
    assert reason(client, QUEUED) == ACCEPTED
    labelled.merge(1, "c3")
    assert reason(client, MERGED) == ACCEPTED
    labelled.push(1, "d4")
    labelled.push(1, "0" * 40, "branch_deletion")
    assert reason(client, MERGED) == ACCEPTED


@pytest.mark.parametrize("status", [200, 404, 422])
def test_branch_that_is_gone_is_found_in_the_whole_list(
    status: int, labelled: State, client: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pushes to a deleted branch are found in the list of all branches."""
    monkeypatch.setenv("GITHUB_SHA", "c3")
    labelled.merge(1, "c3")
    labelled.push(1, "0" * 40, "branch_deletion")
    labelled.deleted_refs["refs/heads/patch-1"] = status
    assert reason(client, MERGED) == ACCEPTED


def test_stale_label_does_not_count_where_the_branch_is_gone(
    labelled: State, client: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A push after the label is found although the branch was deleted."""
    monkeypatch.setenv("GITHUB_SHA", "c3")
    labelled.push(1, "b2")
    labelled.merge(1, "c3")
    labelled.push(1, "0" * 40, "branch_deletion")
    labelled.deleted_refs["refs/heads/patch-1"] = 404
    assert reason(client, MERGED) == ""


def test_every_page_of_pushes_and_labels_is_read(
    labelled: State, client: GitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A push or a label on a later page of GitHub's lists counts as well."""
    monkeypatch.setenv("GITHUB_SHA", "c3")
    for _ in range(120):
        labelled.label(1, "documentation", "maintainer")
    labelled.merge(1, "c3")
    for number in range(230):
        labelled.push(1, f"d{number}")
    assert reason(client, MERGED) == ACCEPTED


def test_pushes_that_cannot_be_read_accept_nothing(
    labelled: State, client: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where GitHub does not show the pushes, one line says so, and the label does not count."""
    labelled.private.add("stranger/models")
    labelled.permissions = {"pull-requests": "read"}
    assert reason(client, run_of(labelled)) == ""
    (line,) = capsys.readouterr().err.splitlines()
    assert "the pushes to its branch cannot be read: GET " in line


def test_fork_that_is_gone_accepts_nothing(
    labelled: State, client: GitHub, capsys: pytest.CaptureFixture[str]
) -> None:
    """A label does not count once the fork, and with it the list of its pushes, is deleted."""
    labelled.pulls[0]["head"]["repo"] = None
    assert reason(client, run_of(labelled)) == ""
    assert "the repository that the pull request comes from is gone" in capsys.readouterr().err


def test_label_that_nothing_tells_of_accepts_nothing(labelled: State, client: GitHub) -> None:
    """A label that no event says was set, such as a renamed one, does not count."""
    labelled.pulls[0]["events"][0]["label"]["name"] = "before"
    assert reason(client, run_of(labelled)) == ""


def test_override_is_one_line(
    labelled: State,
    client: GitHub,
    started_by: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is printed is the output, and nothing else; who set the label adds no line to it."""
    started_by(run_of(labelled))
    override()
    assert capsys.readouterr().out == f"override={ACCEPTED}\n"


def test_override_asks_no_more_than_it_needs(labelled: State, client: GitHub) -> None:
    """The job is granted what the answer takes, as ci.yml grants it, to read alone."""
    assert reason(client, run_of(labelled)) == ACCEPTED
    assert set(labelled.used.values()) == {"read"}
    assert set(labelled.used) <= set(READS)
