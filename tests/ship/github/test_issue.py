"""The one issue of the weekly scan: opened, updated, closed, and never somebody else's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ship.errors import ShipError, StageError
from ship.github.api import GitHub
from ship.github.issue import MARKER, TITLE, issue
from ship.github.untrusted import BREAK
from tests.support.github.fake import State

NEEDED = {"issues": "write"}
FIRST = "iris (main): HIGH CVE-1 in lib 1: update to 2"
SECOND = "iris (main): HIGH CVE-2 in lib 1: update to 3"
TABLE = "| model | to mend |\n|---|---|"
HIDDEN = re.compile(re.escape(MARKER) + r'\["[0-9a-f]{16}"(, "[0-9a-f]{16}")*\] -->')


@pytest.fixture
def scanned(client: GitHub, state: State, monkeypatch: pytest.MonkeyPatch) -> Callable[..., State]:
    """Run the workflow's command on what a scan found; return what GitHub knows then."""
    state.permissions = dict(NEEDED)

    def write(*findings: str, table: str = TABLE) -> State:
        monkeypatch.setenv("REPORT", json.dumps({"table": table, "findings": findings}))
        assert issue(client) == 0
        return state

    return write


def test_issue_is_opened_with_the_first_finding(scanned: Callable[..., State]) -> None:
    """What must be mended is in an issue of its own, and nothing more than needed was allowed."""
    state = scanned(FIRST)
    (opened,) = state.issues
    assert (opened["title"], opened["state"]) == (TITLE, "open")
    assert f"- {FIRST}" in opened["body"].splitlines()
    assert state.used == NEEDED


def test_issue_is_not_opened_when_there_is_nothing(scanned: Callable[..., State]) -> None:
    """A clean scan without an open issue leaves nothing behind."""
    assert scanned().issues == []


def test_issue_is_updated_and_tells_only_what_is_new(scanned: Callable[..., State]) -> None:
    """The next scan replaces the text of the same issue; a comment names what it adds."""
    scanned(FIRST)
    state = scanned(FIRST, SECOND)
    (updated,) = state.issues
    assert {f"- {FIRST}", f"- {SECOND}"} < set(updated["body"].splitlines())
    assert state.bodies(1) == [f"New since the last scan:\n\n- {SECOND}\n"]


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
    state = scanned(*(f"{number} @octocat https://evil.example" for number in range(5000)))
    body = state.issues[0]["body"]
    assert len(body.encode()) <= 65_536
    assert HIDDEN.match(body)
    assert "@octocat" not in body
    assert "https://" not in body


def test_issue_does_not_read_its_own_text(scanned: Callable[..., State], state: State) -> None:
    """Known findings are read from the issue's data: rewording its list changes nothing."""
    scanned(FIRST)
    state.issues[0]["body"] = state.issues[0]["body"].replace(f"- {FIRST}", f"* {FIRST}, waits")
    assert scanned(FIRST, table=f"{TABLE}\n\n- a line that is no finding").comments == []


@pytest.mark.parametrize("broken", ["", "[", "{}", "[1]", "[" * 10_000, '["0"] --> ["1"]'])
def test_issue_tells_all_again_where_its_data_is_broken(
    scanned: Callable[..., State], state: State, broken: str
) -> None:
    """If the data in the issue is broken, every finding counts as new."""
    scanned(FIRST)
    state.issues[0]["body"] = f"{MARKER}{broken} -->\n"
    assert scanned(FIRST).bodies(1) == [f"New since the last scan:\n\n- {FIRST}\n"]


@pytest.mark.parametrize(
    "text", ["-->", "] -->\n- x", "<!-- a", "\x00\x1b[31m", "\u2028/x", "\ud800"]
)
def test_issue_keeps_nothing_of_a_finding_in_what_it_hides(
    scanned: Callable[..., State], text: str
) -> None:
    """The hidden comment holds only hashes, so that no finding's text can end it."""
    body = scanned(f"{FIRST} {text}").issues[0]["body"]
    hidden, *shown = body.splitlines()
    assert HIDDEN.fullmatch(hidden)
    assert [line.startswith(f"- {FIRST}") for line in shown if line.startswith("- ")] == [True]
    assert "<!--" not in "".join(shown)
    assert {sign for sign in body if not sign.isprintable()} <= {"\n", BREAK}
    assert scanned(f"{FIRST} {text}").comments == []


@pytest.mark.parametrize(
    "report",
    ["no JSON", "[]", '{"table": ""}', '{"table": 1, "findings": []}',
     '{"table": "", "findings": "x"}', '{"table": "", "findings": [1]}'],
)  # fmt: skip
def test_issue_refuses_what_no_scan_wrote(
    client: GitHub, state: State, monkeypatch: pytest.MonkeyPatch, report: str
) -> None:
    """A report of another form is refused, and no issue is changed."""
    monkeypatch.setenv("REPORT", report)
    with pytest.raises(ShipError, match="REPORT must be JSON"):
        issue(client)
    assert state.used == {}


def test_findings_turn_the_run_red_where_there_are_no_issues(
    scanned: Callable[..., State], state: State, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A fork has no issues at first: its run is red and lists the findings, else it is green."""
    state.has_issues = False
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    scanned()
    assert not summary.exists()
    with pytest.raises(StageError, match=r"Got 2 findings: .* told by an issue: Settings"):
        scanned(FIRST, SECOND)
    assert {f"- {FIRST}", f"- {SECOND}"} < set(summary.read_text().splitlines())
    assert state.issues == []
