"""Wait in a test until something has happened."""

from __future__ import annotations

from collections.abc import Callable

from ship.host.waiting import wait_for

PATIENCE = 60  # seconds: a machine that also builds and loads images answers late


def wait_until(happened: Callable[[], object], event: str, seconds: float = PATIENCE) -> None:
    """Look until something has happened; raise StageError, which says what, if it does not."""
    wait_for(happened, bool, f"{event} must happen", seconds, interval=0.01)
