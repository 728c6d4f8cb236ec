"""Print progress, one line per step: model, step, result, seconds."""

from __future__ import annotations

import time


class Log:
    """Prints the lines of one model."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.since = time.perf_counter()

    def __call__(self, step: str, text: str) -> None:
        """Print that a step has ended, and the seconds since the step before it."""
        now = time.perf_counter()
        print(f"{self.name}  {step:<9}  {text}  ({now - self.since:.1f} s)", flush=True)
        self.since = now


def summary(scores: dict[str, float]) -> str:
    """Return metrics as one line."""
    return ", ".join(f"{name} {value:.4g}" for name, value in scores.items())
