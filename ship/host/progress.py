"""Say that a long step goes on, and how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

SILENT = 10.0  # seconds: the longest that a step says nothing

_steps: list[Event] = []  # one for each running step, set at its end; the innermost is last


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
