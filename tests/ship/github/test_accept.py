"""The label accept-drop: which reports a pull request's model was refused by, and a new run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ship.errors import StageError
from ship.github.accept import refused, start
from ship.github.api import GitHub
from tests.support.github.fake import State, archive

SHA = "a" * 40
Started = Callable[[dict[str, Any]], None]


def report(model: str, verdict: str, number: int = 0) -> bytes:
    """Return the artifact of a report."""
    content = {"model": model, "verdict": verdict, "number": number}
    return archive(report_json=json.dumps(content))


@pytest.fixture
def pushed(
    state: State, started_by: Started, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> State:
    """A labelled pull request of two models, whose checkout is that of its head."""
    state.permissions = {"actions": "write"}
    for model in ("iris", "penguins"):
        (tmp_path / "model" / model).mkdir(parents=True)
        (tmp_path / "model" / model / "model.toml").touch()
    monkeypatch.setattr("ship.git.TOOL", tmp_path)
    monkeypatch.setenv("MODELS", str(tmp_path / "model"))
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    started_by({"pull_request": {"head": {"sha": SHA}}})
    state.runs += [
        {"id": 7, "head_sha": SHA, "workflow_id": 31},
        {"id": 8, "head_sha": "b" * 40, "workflow_id": 31},
    ]
    return state


def test_reports_that_refuse_are_fetched(pushed: State, client: GitHub, tmp_path: Path) -> None:
    """The newest report of each model counts, of this commit and of models of this checkout."""
    pushed.upload("report-iris", report("iris", "passed", 1))
    pushed.upload("report-iris", report("iris", "failed", 2))
    pushed.upload("report-penguins", report("penguins", "passed"))
    pushed.upload("report-..-x", report("x", "failed"))
    pushed.upload("report-other", report("other", "failed"))
    assert refused(client) == 0
    assert (tmp_path / "outputs").read_text() == "models=iris\nworkflow=31\n"
    written = json.loads((tmp_path / "dist/iris/report.json").read_bytes())
    assert written["number"] == 2
    assert sorted(path.name for path in (tmp_path / "dist").iterdir()) == ["iris"]


def test_label_before_there_is_a_report_is_an_error(pushed: State, client: GitHub) -> None:
    """Nothing is accepted that no gate has refused; the message says when to set the label."""
    pushed.upload("report-iris", report("iris", "passed"))
    with pytest.raises(StageError, match="Wait until it has ended, and set the label again"):
        refused(client)


def test_run_is_started_again_on_the_branch(pushed: State, client: GitHub) -> None:
    """What a job's token pushes starts nothing, and the same workflow is started by name."""
    assert start(client, "31", "patch-1") == 0
    assert pushed.started == [("31", "patch-1")]
