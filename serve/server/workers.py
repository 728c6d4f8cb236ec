"""Several processes on one port, for more than one core.

They are forks that share the open port, the log and the counters. One that is killed is replaced.
One that refuses to serve ends all, as the others would refuse as well.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from serve.monitoring.logs import Log


class Workers:
    """Runs `work(number)` in `count` processes until told to stop; it returns an exit code."""

    def __init__(self, count: int, work: Callable[[int], int], log: Log) -> None:
        self.count = count
        self.work = work
        self.log = log
        self.numbers: dict[int, int] = {}  # of each worker, by its process id
        self.stopping = False
        self.exit_code = 0

    def run(self) -> int:
        """Run until all have ended; return 0, or the exit code of one that refused to serve."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        for number in range(self.count):
            self.start(number)
        while self.numbers:
            process, status = os.wait()
            self.ended(self.numbers.pop(process), os.waitstatus_to_exitcode(status))
        return self.exit_code

    def start(self, number: int) -> None:
        """Fork a worker."""
        process = os.fork()
        if process:
            self.numbers[process] = number
            return
        code = 1
        try:
            code = self.work(number)
        finally:
            os._exit(code)

    def ended(self, number: int, code: int) -> None:
        """Replace a worker that was killed; stop when one ended by itself."""
        if self.stopping:
            self.exit_code = self.exit_code or max(code, 0)
        elif code < 0:
            self.log.event("worker replaced", worker=number, signal=signal.Signals(-code).name)
            self.start(number)
        else:
            self.exit_code = code
            self.stop(signal.SIGTERM, None)

    def stop(self, number: int, _: FrameType | None) -> None:
        """Send the signal `number` to all workers."""
        self.stopping = True
        for process in self.numbers:
            os.kill(process, number)
