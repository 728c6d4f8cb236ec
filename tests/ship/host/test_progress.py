"""Progress: nothing is silent for long."""

from __future__ import annotations

import re
import time

import pytest

from ship.host import progress as module
from ship.host.progress import progress


def test_progress_says_that_a_step_goes_on_and_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What goes on inside another step is told alone; what has ended is told no more."""
    monkeypatch.setattr(module, "SILENT", 0.02)
    with progress("build"):
        with progress("tests", lambda: "3 passed"):
            time.sleep(0.2)
            inner = capsys.readouterr().err
        capsys.readouterr()  # what either of them says as the one ends
        time.sleep(0.2)
    outer = capsys.readouterr().err
    time.sleep(0.1)
    assert set(inner.splitlines()) == {"  tests: 0 s, 3 passed"}
    assert re.fullmatch(r"(  build: 0 s\n)+", outer)
    assert capsys.readouterr().err == ""


def test_progress_is_silent_about_a_short_step(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody has to be told of what is over."""
    with progress("build"):
        pass
    assert capsys.readouterr().err == ""
