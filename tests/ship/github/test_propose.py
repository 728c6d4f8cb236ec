"""Proposing a retrained model: one pull request of each, which later data rewrite."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship.errors import StageError
from ship.github.api import GitHub
from ship.github.propose import propose
from tests.support.github.fake import State

BRANCH = "retrain-iris"


@pytest.fixture
def file(state: State, tmp_path: Path) -> Path:
    """The text of a proposal, in a job that may propose."""
    state.permissions = {"pull-requests": "write"}
    (tmp_path / "proposal.md").write_text("### iris: better\n")
    return tmp_path / "proposal.md"


def test_proposal_is_one_pull_request_of_its_branch(
    client: GitHub, state: State, file: Path
) -> None:
    """The first data open it; the next ones write title and text anew, and open no second."""
    propose(client, BRANCH, "Train iris on the data of today", file)
    file.write_text("### iris: same\n")
    propose(client, BRANCH, "Train iris anew", file)
    propose(client, "retrain-wine", "Train wine", file)
    first, second = state.pulls
    assert (first["head"]["ref"], first["base"], first["title"]) == (
        BRANCH,
        "main",
        "Train iris anew",
    )
    assert first["body"].startswith("### iris: same\n\n---\nThis branch is written anew")
    assert second["head"]["ref"] == "retrain-wine"
    assert state.used == {"pull-requests": "write"}


def test_proposal_that_a_workflow_may_not_open_names_the_setting(
    client: GitHub,
    state: State,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run is red, says which setting to change, and has a link to open it by hand."""
    state.may_propose = False
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    setting = r"not permitted to create.*Settings → Actions → General → Allow GitHub Actions to"
    with pytest.raises(StageError, match=setting):
        propose(client, BRANCH, "Train iris on the data of today", file)
    summary = (tmp_path / "summary").read_text()
    address = "https://github.com/octo/models/compare/main...retrain-iris?expand=1"
    assert f"[Open the pull request yourself]({address})" in summary
    assert "### iris: better" in summary


def test_proposal_fits_into_a_pull_request(client: GitHub, state: State, file: Path) -> None:
    """However long the report is, GitHub takes what is said of it."""
    file.write_text("- a line\n" * 20_000)
    propose(client, BRANCH, "Train iris", file)
    body = state.pulls[0]["body"]
    assert len(body) <= 65_536
    assert body.startswith("The report is longer")
    assert "commit nothing to it" in body
