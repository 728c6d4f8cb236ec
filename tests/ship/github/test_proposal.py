"""The text of a pull request of ours, from reports that models' code may have written."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship import git
from ship.errors import ShipError
from ship.github.push import NOTE, proposal
from ship.github.untrusted import BREAK, LIMIT


def write(folder: Path, name: str, text: str) -> None:
    """Write the report of a model."""
    (folder / name).mkdir(parents=True)
    (folder / name / "report.md").write_text(text)


def test_proposal_is_every_report_with_nothing_active(tmp_path: Path) -> None:
    """The text has every report in order of its name, and no mention, reference or image."""
    write(tmp_path / "reports", "report-iris", "iris: better, closes #1\n")
    write(tmp_path / "reports", "report-diabetes", "diabetes: ![x](https://example.com) @octocat\n")
    assert proposal(tmp_path / "reports", tmp_path / "body.md") == 0
    body = (tmp_path / "body.md").read_text()
    assert body.replace(BREAK, "·") == (
        "diabetes: !·[x]·(https·://example.com) @·octocat\n\niris: better, closes #·1\n"
    )


def test_proposal_fits_a_pull_request(tmp_path: Path) -> None:
    """A long report is cut, and the text says so first."""
    write(tmp_path / "reports", "report-iris", "a line\n" * LIMIT)
    proposal(tmp_path / "reports", tmp_path / "body.md")
    body = (tmp_path / "body.md").read_text()
    assert body.startswith(NOTE)
    assert len(body) <= LIMIT


def test_proposal_follows_no_link(tmp_path: Path) -> None:
    """A report that is a link is refused."""
    (tmp_path / "report.md").symlink_to("/etc/passwd")
    with pytest.raises(ShipError, match=r"must be a regular file\. Got a link"):
        proposal(tmp_path, tmp_path / "body.md")


def test_pull_requests_are_made_of_neutral_text_alone() -> None:
    """No workflow passes a report to `gh` without neutralising it."""
    for file in git.files(".github/workflows/*.yml", root=git.TOOL):
        for line in file.read_text().splitlines():
            if "--body" in line:
                assert line.endswith("--body-file dist/proposal.md"), file
