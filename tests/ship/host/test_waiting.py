"""Waiting: until it is so, or until there is no point in it any more."""

from __future__ import annotations

import time

import pytest

from ship.errors import StageError
from ship.host.waiting import LONGEST, wait_for


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
