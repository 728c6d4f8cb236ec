"""Waiting: until it is so, or until there is no point in it any more."""

from __future__ import annotations

import re
import time

import pytest

from ship import waiting
from ship.errors import StageError
from ship.waiting import LONGEST, progress, wait_for


def test_wait_returns_what_it_waited_for() -> None:
    """A wait looks until the condition holds, and returns what it saw."""
    seen = iter([503, 503, 200, 500])
    assert wait_for(lambda: next(seen), lambda status: status == 200, "It must be 200", 5,
                    interval=0.001) == 200  # fmt: skip
    assert next(seen) == 500


def test_wait_looks_once_before_it_gives_up() -> None:
    """A wait of no time still looks once."""
    assert wait_for(lambda: 200, lambda status: status == 200, "It must be 200", 0) == 200


def test_wait_tells_what_it_saw_last() -> None:
    """The error of a wait has what it saw last, described and cut."""
    start = time.monotonic()
    with pytest.raises(StageError, match=r"It must be 200 within 0\.05 s\. Got 503 instead"):
        wait_for(lambda: 503, lambda status: status == 200, "It must be 200", 0.05, interval=0.01)
    assert time.monotonic() - start < 5
    with pytest.raises(StageError, match=r"x+ instead") as raised:
        wait_for(lambda: 503, lambda _: False, "It", 0, describe=lambda _: "x" * 10_000)
    assert len(str(raised.value)) < LONGEST + 50


def test_progress_says_that_a_step_goes_on_and_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A long step says how far it is; of nested ones only the innermost speaks."""
    monkeypatch.setattr(waiting, "SILENT", 0.02)
    with progress("build"):
        with progress("tests", lambda: "3 passed"):
            time.sleep(0.2)
        inner = capsys.readouterr().err
        time.sleep(0.2)
    outer = capsys.readouterr().err
    time.sleep(0.1)
    assert set(inner.splitlines()) == {"  tests: 0 s, 3 passed"}
    assert re.fullmatch(r"(  tests: 0 s, 3 passed\n)?(  build: 0 s\n)+", outer)
    assert capsys.readouterr().err == ""


def test_progress_is_silent_about_a_short_step(capsys: pytest.CaptureFixture[str]) -> None:
    """A short step prints nothing."""
    with progress("build"):
        pass
    assert capsys.readouterr().err == ""
