"""What a job can know about the machine and the run that it belongs to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ship.host.runner import is_hosted, lacks_secrets

OWN, FORK = {"full_name": "octo/models"}, {"full_name": "stranger/models"}


@pytest.mark.parametrize(
    ("run", "lacks"),
    [
        (("pull_request", FORK, "stranger"), True),
        (("pull_request", None, "stranger"), True),
        (("pull_request", OWN, "dependabot[bot]"), True),
        (("pull_request", OWN, "octocat"), False),
        (("push", None, "dependabot[bot]"), False),
        (("merge_group", None, "octocat"), False),
        (("", None, ""), False),
    ],
)
def test_run_lacks_secrets_where_github_gives_none(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run: tuple[str, dict[str, Any] | None, str],
    *,
    lacks: bool,
) -> None:
    """A fork's own pull request has them, although its repository is a fork."""
    event, source, actor = run
    (tmp_path / "event").write_text(json.dumps({"pull_request": {"head": {"repo": source}}}))
    for name, value in {
        "GITHUB_EVENT_NAME": event,
        "GITHUB_EVENT_PATH": str(tmp_path / "event"),
        "GITHUB_REPOSITORY": "octo/models",
        "GITHUB_ACTOR": actor,
    }.items():
        monkeypatch.setenv(name, value)
    assert lacks_secrets() is lacks


def test_runner_of_ones_own_is_not_hosted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only GitHub's machines are gone after the job."""
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "self-hosted")
    assert not is_hosted()
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "github-hosted")
    assert is_hosted()
