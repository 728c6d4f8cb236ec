"""Wait until a condition holds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TypeVar

from ship.errors import StageError

LONGEST = 600  # characters of the last value, in a message
SILENT = 10.0  # seconds: the longest that a step says nothing
Seen = TypeVar("Seen")

_steps: list[Event] = []  # one for each running step, set at its end; the innermost is last


def wait_for(  # noqa: PLR0913 - a wait is what it looks at, what ends it, and how long it takes
    look: Callable[[], Seen],
    is_done: Callable[[Seen], bool],
    what: str,
    seconds: float,
    *,
    interval: float = 0.1,
    describe: Callable[[Seen], str] = str,
) -> Seen:
    """Look every `interval` seconds until the value that is seen is `done`, and return it.

    Raises StageError after `seconds`: "`what` within … s. Got … instead.", with the last value as
    `describe` puts it.
    """
    deadline = time.monotonic() + seconds
    while not is_done(seen := look()):
        if time.monotonic() > deadline:
            raise StageError(
                f"{what} within {seconds:g} s. Got {describe(seen)[:LONGEST]} instead."
            )
        time.sleep(interval)
    return seen


@contextmanager
def progress(step: str, how_far: Callable[[], str] = str) -> Iterator[None]:
    """Print a line every ten seconds while the body runs; `how_far` returns what to add to it.

    Of nested steps only the innermost is printed. The lines go to stderr, as programs read the
    standard output of some commands.
    """
    ended = Event()

    def tell() -> None:
        started = time.monotonic()
        while not ended.wait(SILENT):
            if _steps[-1:] == [ended]:
                passed = f"{time.monotonic() - started:.0f} s"
                sys.stderr.write(f"  {step}: {', '.join(filter(None, (passed, how_far())))}\n")
                sys.stderr.flush()

    _steps.append(ended)
    teller = Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        _steps.remove(ended)
        teller.join()
