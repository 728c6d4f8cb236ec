"""The one issue of the weekly scan: opened, updated, closed, and never somebody else's."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ship.github.api import GitHub
from ship.github.issue import MARKER, TITLE, issue
from tests.support.github.fake import State

NEEDED = {"issues": "write"}
FIRST = "- iris (main): HIGH CVE-1 in lib 1: update to 2"
SECOND = "- iris (main): HIGH CVE-2 in lib 1: update to 3"


@pytest.fixture
def scanned(client: GitHub, state: State, monkeypatch: pytest.MonkeyPatch) -> Callable[..., State]:
    """Run the workflow's command on what a scan found, in lines; return what GitHub knows then."""
    state.permissions = dict(NEEDED)

    def write(*lines: str) -> State:
        page = "\n".join(["| model | to mend |", "|---|---|", "", *lines, ""])
        report = json.dumps({"clean": not lines, "page": page})
        monkeypatch.setenv("REPORT", report)
        assert issue(client) == 0
        return state

    return write


def test_issue_is_opened_with_the_first_finding(scanned: Callable[..., State]) -> None:
    """What must be mended is in an issue of its own, and nothing more than needed was allowed."""
    state = scanned(FIRST)
    (opened,) = state.issues
    assert (opened["title"], opened["state"]) == (TITLE, "open")
    assert FIRST in opened["body"].splitlines()
    assert state.used == NEEDED


def test_issue_is_not_opened_when_there_is_nothing(scanned: Callable[..., State]) -> None:
    """A clean scan without an open issue leaves nothing behind."""
    assert scanned().issues == []


def test_issue_is_updated_and_tells_only_what_is_new(scanned: Callable[..., State]) -> None:
    """The next scan replaces the text of the same issue; a comment names what it adds."""
    scanned(FIRST)
    state = scanned(FIRST, SECOND)
    (updated,) = state.issues
    assert {FIRST, SECOND} < set(updated["body"].splitlines())
    assert state.bodies(1) == [f"New since the last scan:\n\n{SECOND}\n"]


def test_issue_is_quiet_when_nothing_changed(scanned: Callable[..., State]) -> None:
    """The same findings as last week notify nobody."""
    scanned(FIRST)
    assert scanned(FIRST).comments == []


def test_issue_is_closed_by_a_clean_scan(scanned: Callable[..., State]) -> None:
    """When all is mended the issue is closed with a word; the next finding opens a new one."""
    scanned(FIRST)
    state = scanned()
    assert [i["state"] for i in state.issues] == ["closed"]
    assert state.bodies(1) == ["Today's scan found nothing to mend."]
    assert [i["state"] for i in scanned(SECOND).issues] == ["closed", "open"]


def test_issue_of_somebody_else_is_left_alone(scanned: Callable[..., State], state: State) -> None:
    """A person's issue with our marker in it is neither changed nor closed."""
    theirs = {"number": 1, "state": "open", "body": MARKER, "user": {"login": "stranger"}}
    state.issues.append(dict(theirs))
    scanned(FIRST)
    scanned()
    assert state.issues[0] == theirs


def test_issue_fits_and_holds_nothing_active(scanned: Callable[..., State]) -> None:
    """However much was found and whatever it says, GitHub takes it and notifies nobody."""
    state = scanned(*(f"- {number} @octocat https://evil.example" for number in range(5000)))
    body = state.issues[0]["body"]
    assert len(body.encode()) <= 65_536
    assert "@octocat" not in body
    assert "https://" not in body
