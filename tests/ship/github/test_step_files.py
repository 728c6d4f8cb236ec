"""Outputs and summaries of a workflow's step: files where there is a runner, else nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship.errors import ShipError
from ship.github.step_files import add_summary, set_outputs, tell_outputs


def test_outputs_and_summaries_are_added_to_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A step has one file for each, which several commands write to."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    set_outputs(one="1", two="2")
    tell_outputs(three="3")
    add_summary("# One\n")
    add_summary("# Two\n")
    assert (tmp_path / "outputs").read_text() == "one=1\ntwo=2\nthree=3\n"
    assert (tmp_path / "summary").read_text() == "# One\n# Two\n"
    assert capsys.readouterr().out == "three=3\n"


def test_outside_a_workflow_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Outside a workflow, outputs are printed and no file is written."""
    for variable in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(variable, raising=False)
    set_outputs(one="1")
    add_summary("# One\n")
    tell_outputs(two="2")
    assert capsys.readouterr().out == "two=2\n"


def test_output_of_two_lines_sets_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value of two lines is refused, and no output of the call is set."""
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    with pytest.raises(ShipError, match="without control characters"):
        set_outputs(good="1", bad="1\nother=2")
    assert not (tmp_path / "outputs").exists()
