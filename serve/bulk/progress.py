"""Show on a terminal how far the bulk scorer is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

WIDTH = 30
INTERVAL = 0.2  # seconds


class Progress:
    """A bar where the amount is known, otherwise a count; nothing if the stream is no terminal.

    `share` returns the part of the rows that has been read, from 0 to 1, or None if unknown.
    """

    def __init__(self, share: Callable[[], float | None], terminal: TextIO) -> None:
        self.terminal = terminal
        self.shown = terminal.isatty()
        self.share = share
        self.rows = 0
        self.start = self.last = time.monotonic()

    def add(self, rows: int) -> None:
        """Count rows that were written, and draw if the last drawing is long enough ago."""
        self.rows += rows
        if self.shown and time.monotonic() - self.last > INTERVAL:
            self.last = time.monotonic()
            self.draw()

    def end(self) -> None:
        """Draw for the last time."""
        if self.shown:
            self.draw()
            self.terminal.write("\n")

    def draw(self) -> None:
        """Overwrite the line with the rows so far and their rate."""
        speed = self.rows / max(time.monotonic() - self.start, 1e-9)
        self.terminal.write(f"\r{self.bar()}{self.rows:,} rows, {speed:,.0f} rows/s\x1b[K")
        self.terminal.flush()

    def bar(self) -> str:
        """Return the bar with its percentage, "" where the amount is unknown."""
        share = self.share()
        if share is None:
            return ""
        filled = round(WIDTH * min(share, 1))
        return f"{'█' * filled}{'░' * (WIDTH - filled)} {min(share, 1):4.0%}  "
