"""Print progress, one line per step: model, step, result, seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

SILENT = 9.0  # seconds: the longest that a step says nothing


class Log:
    """Prints the lines of one model."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.since = time.perf_counter()

    def __call__(self, step: str, text: str) -> None:
        """Print that a step has ended, and the seconds since the step before it."""
        now = time.perf_counter()
        self.line(step, f"{text}  ({now - self.since:.1f} s)")
        self.since = now

    def line(self, step: str, text: str) -> None:
        """Print a line of a step."""
        print(f"{self.name}  {step:<9}  {text}", flush=True)

    @contextmanager
    def during(self, step: str) -> Iterator[None]:
        """Print every SILENT seconds that the step in the body goes on."""
        ended, began = Event(), time.perf_counter()

        def tell() -> None:
            while not ended.wait(SILENT):
                self.line(step, f"goes on after {time.perf_counter() - began:.0f} s")

        teller = Thread(target=tell, daemon=True)
        teller.start()
        try:
            yield
        finally:
            ended.set()
            teller.join()


def summary(scores: dict[str, float]) -> str:
    """Return metrics as one line."""
    return ", ".join(f"{name} {value:.4g}" for name, value in scores.items())
