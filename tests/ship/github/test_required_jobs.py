"""The required jobs of ci.yml: a run is green only where nothing that had to pass did not."""

from __future__ import annotations

import json

import pytest

from ship.errors import StageError
from ship.github.required_jobs import require_jobs


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two good jobs, of which one may be skipped."""
    monkeypatch.setenv("MAY_SKIP", " model  ")
    results(monkeypatch)


def results(patch: pytest.MonkeyPatch, **changed: str) -> None:
    """Set the results of the jobs, all successful but for those given."""
    jobs = {"plan": "success", "model": "success", **changed}
    patch.setenv("RESULTS", json.dumps({name: {"result": jobs[name]} for name in jobs}))


def test_required_jobs_passes_where_every_job_passed(say: None) -> None:
    """The check passes if every job has passed."""
    assert require_jobs() == 0


def test_required_jobs_passes_where_a_job_was_skipped_that_may_be(
    say: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check passes if the only jobs that were skipped may be."""
    results(monkeypatch, model="skipped")
    assert require_jobs() == 0


@pytest.mark.parametrize("changed", [
    {"plan": "skipped"}, {"plan": "failure"}, {"model": "failure"}, {"model": "cancelled"},
])  # fmt: skip
def test_required_jobs_is_red_where_a_job_did_not_pass(
    say: None, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str]
) -> None:
    """The check fails and names each job that failed, was cancelled or was skipped."""
    results(monkeypatch, **changed)
    with pytest.raises(StageError, match=rf"Every job must pass\. {next(iter(changed))} did not"):
        require_jobs()


def test_required_jobs_refuses_a_name_that_is_no_job(
    say: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name in MAY_SKIP that is no job's is refused."""
    monkeypatch.setenv("MAY_SKIP", "modle")
    with pytest.raises(StageError, match=r"MAY_SKIP must name jobs\. Got modle instead"):
        require_jobs()
