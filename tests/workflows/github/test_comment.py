"""comment.yml, run by act against a server that stands for GitHub's API."""

from __future__ import annotations

import pytest

from ship.github.comment import MARKER
from tests.support.github.fake import archive
from tests.workflows.act import Act
from tests.workflows.github.grants import granted

pytestmark = pytest.mark.engine
SHA = "a" * 40
JOB = "comment/Comment on the pull request"


def test_comment_reports_on_a_forks_pull_request(hub: Act) -> None:
    """The report of a stranger's run becomes a comment; the job is granted what that takes."""
    hub.state.permissions = granted("comment", "comment")
    head = hub.state.pull(SHA)
    event = hub.state.run(head, report__iris=archive(report_md="### iris: **better**\n@octocat"))
    assert hub.run("workflow_run", "comment.yml", event).results == {JOB: "success"}
    (body,) = hub.state.bodies(1)
    assert body.startswith(MARKER)
    assert "### iris: **better**\n" in body
    assert "@octocat" not in body
    assert hub.state.used == hub.state.permissions


@pytest.mark.parametrize(
    ("key", "value"), [("event", "push"), ("conclusion", "cancelled"), ("conclusion", "skipped")]
)
def test_comment_rests_where_there_is_nothing_to_say(hub: Act, key: str, value: str) -> None:
    """No comment follows a push, or a run that gave way to a newer one."""
    event = hub.state.run(hub.state.pull(SHA))
    event["workflow_run"][key] = value
    assert hub.run("workflow_run", "comment.yml", event).results.get(JOB) in (None, "skipped")
    assert hub.state.requests == []
