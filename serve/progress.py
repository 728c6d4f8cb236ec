"""How far the bulk scorer is, on a terminal."""

from __future__ import annotations

import os
import stat
import time
from typing import TextIO

WIDTH = 30
INTERVAL = 0.2  # seconds


class Progress:
    """A bar if the size of the input is known, otherwise a count; nothing if nobody looks."""

    def __init__(self, source: TextIO, terminal: TextIO) -> None:
        self.terminal = terminal
        self.shown = terminal.isatty()
        self.source = source
        self.size = file_size(source) if self.shown else 0
        self.rows = 0
        self.start = self.last = time.monotonic()

    def add(self, rows: int) -> None:
        """Count rows that are done."""
        self.rows += rows
        if self.shown and time.monotonic() - self.last > INTERVAL:
            self.last = time.monotonic()
            self.draw()

    def end(self) -> None:
        if self.shown:
            self.draw()
            self.terminal.write("\n")

    def draw(self) -> None:
        speed = self.rows / max(time.monotonic() - self.start, 1e-9)
        self.terminal.write(f"\r{self.bar()}{self.rows:,} rows, {speed:,.0f} rows/s\x1b[K")
        self.terminal.flush()

    def bar(self) -> str:
        if not self.size:
            return ""
        share = min(os.lseek(self.source.fileno(), 0, os.SEEK_CUR) / self.size, 1)
        done = round(WIDTH * share)
        return f"{'█' * done}{'░' * (WIDTH - done)} {share:4.0%}  "


def file_size(source: TextIO) -> int:
    """Return the size of a regular file, and 0 for a pipe."""
    status = os.fstat(source.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else 0
