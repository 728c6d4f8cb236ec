"""One text of the reports of a run, which models' code may have written."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship import git
from ship.errors import ShipError
from ship.github.reports import NOTE, reports
from ship.github.step_files import SUMMARY_LIMIT
from ship.github.untrusted import BREAK, LIMIT


def write(folder: Path, name: str, text: str) -> None:
    """Write a report as an artifact that was downloaded."""
    (folder / name).mkdir(parents=True)
    (folder / name / "report.md").write_text(text)


@pytest.fixture
def summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the run's summary."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "step-summary"))
    return tmp_path / "step-summary"


def test_text_is_every_report_with_nothing_active(tmp_path: Path, summary: Path) -> None:
    """In the order of their names; nobody is notified, nothing is closed or loaded."""
    write(tmp_path / "reports", "report-iris", "iris: better, closes #1\n")
    write(tmp_path / "reports", "report-diabetes", "diabetes: ![x](https://example.com) @octocat\n")
    assert reports(tmp_path / "reports", tmp_path / "body.md") == 0
    body = (tmp_path / "body.md").read_text()
    assert body.replace(BREAK, "·") == (
        "diabetes: !·[x]·(https·://example.com) @·octocat\n\niris: better, closes #·1\n"
    )
    assert summary.read_text() == body


def test_text_fits_where_it_is_shown(tmp_path: Path, summary: Path) -> None:
    """A long report is cut, in a comment or pull request before the summary, and says so first."""
    write(tmp_path / "reports", "report-iris", "a line\n" * LIMIT)
    reports(tmp_path / "reports", tmp_path / "body.md")
    body = (tmp_path / "body.md").read_text()
    assert body.startswith(NOTE)
    assert len(body) <= LIMIT < len(summary.read_text())
    write(tmp_path / "reports", "report-wine", "a line\n" * SUMMARY_LIMIT)
    summary.unlink()
    reports(tmp_path / "reports", tmp_path / "body.md")
    assert len(summary.read_text()) <= SUMMARY_LIMIT
    assert summary.read_text().startswith("There is more than a summary can hold")


def test_text_is_empty_where_nothing_was_judged(tmp_path: Path, summary: Path) -> None:
    """A run whose trainings failed has no folder of reports."""
    assert reports(tmp_path / "absent", tmp_path / "body.md") == 0
    assert (tmp_path / "body.md").read_text() == summary.read_text() == ""


def test_text_follows_no_link(tmp_path: Path) -> None:
    """A report that leads elsewhere is refused."""
    (tmp_path / "report.md").symlink_to("/etc/passwd")
    with pytest.raises(ShipError, match=r"must be a regular file\. Got a link"):
        reports(tmp_path, tmp_path / "body.md")


def test_pull_requests_are_made_of_neutral_text_alone() -> None:
    """No workflow hands a report to `gh` as it is."""
    for file in git.files(".github/workflows/*.yml", root=git.TOOL):
        for line in file.read_text().splitlines():
            if "--body" in line:
                assert line.endswith("--body-file dist/proposal.md"), file
