"""What commands print, as several threads print it."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from contract.console import Printed


def test_lines_of_threads_are_not_mixed() -> None:
    """A line that a thread prints in pieces comes out whole, whatever others print meanwhile."""
    stream = io.StringIO()
    printed, piece = Printed(stream), Barrier(2)

    def say(*words: str) -> None:
        """Print words as one line, each when the other thread prints one."""
        for text in [*words, "\n"]:
            piece.wait(10)
            printed.write(text)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(say, ("iris", "diabetes"), (": ", ": "), ("train", "gate")))
    assert sorted(stream.getvalue().splitlines()) == ["diabetes: gate", "iris: train"]
