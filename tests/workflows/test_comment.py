"""comment.yml as it is, run by act against a server that stands for GitHub's API."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.github.fake import State, archive
from tests.ship.fork import Fork
from tests.workflows.act import Act

pytestmark = pytest.mark.docker
SHA = "a" * 40


@pytest.fixture
def hub(state: State, tmp_path: Path) -> Act:
    """A fork of this repository on GitHub."""
    (tmp_path / "fork").mkdir()
    fork = Fork(tmp_path / "fork")
    fork.commit()
    return Act(fork, tmp_path, state, {})


def test_comment_reports_on_a_pull_request_of_a_fork(hub: Act) -> None:
    hub.state.permissions = {"actions": "read", "contents": "read", "pull-requests": "write"}
    head = hub.state.pull(SHA)
    event = hub.state.run(head, report=archive(summary_md="### iris: better\n@octocat"))
    run = hub.run("workflow_run", "comment.yml", event)
    print(run.log)
    assert run.results == {"comment": "success"}
    assert len(hub.state.bodies(1)) == 1
