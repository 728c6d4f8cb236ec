"""JSON lines on stdout: the one log, for predictions, for events, and for libraries."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sys
import time
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

if TYPE_CHECKING:
    from serve.errors import Failure

LATENCY = 0.01  # seconds

encode = msgspec.json.Encoder().encode


class Clock:
    """The time as RFC 3339 in UTC; the part before the milliseconds is made once a second."""

    def __init__(self) -> None:
        self.second = 0
        self.prefix = b""

    def __call__(self) -> bytes:
        now = time.time()
        second = int(now)
        if second != self.second:
            self.second = second
            self.prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second)).encode()
        return b"%b%03dZ" % (self.prefix, (now - second) * 1000)


class Log:
    """Lines of predictions are gathered for some milliseconds and written with one system call."""

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self.stream = stream or sys.stdout.buffer
        self.now = Clock()
        self.lines: list[bytes] = []
        self.turn: int | None = None

    def event(self, message: str, *, level: str = "info", **fields: Any) -> None:
        """Write one line now."""
        self.lines.append(self.line(message, level=level, **fields))
        self.flush()

    def line(self, message: str, *, level: str = "info", **fields: Any) -> bytes:
        """Return a line."""
        now = self.now().decode()
        return encode({"time": now, "level": level, "message": message, **fields}) + b"\n"

    def later(self, line: bytes) -> None:
        """Write a line, which is already JSON, soon, together with others."""
        if not self.lines:
            asyncio.get_running_loop().call_later(LATENCY, self.flush)
        self.lines.append(line)

    def failure(self, failure: Failure) -> None:
        """Write the one line of what ends the process."""
        name = type(failure).__name__
        self.event(str(failure), level="error", error=name, exit_code=failure.exit_code)

    def share(self) -> None:
        """Let processes that are forked from now on write in turn: a pipe mixes long writes."""
        self.turn = os.memfd_create("log")

    def flush(self) -> None:
        lines, self.lines = self.lines, []
        if self.turn is not None:
            fcntl.lockf(self.turn, fcntl.LOCK_EX)
        try:
            self.stream.write(b"".join(lines))
            self.stream.flush()
        except OSError:
            pass  # whoever read the log is gone; the predictions are not
        finally:
            if self.turn is not None:
                fcntl.lockf(self.turn, fcntl.LOCK_UN)


class Handler(logging.Handler):
    """Sends what libraries log to the same lines."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log

    def emit(self, record: logging.LogRecord) -> None:
        fields = {"logger": record.name}
        if record.exc_info:
            fields["traceback"] = logging.Formatter().formatException(record.exc_info)
        self.log.event(record.getMessage(), level=record.levelname.lower(), **fields)


def capture(log: Log) -> None:
    """Send everything that is logged or warned, in this process, to `log`."""
    logging.basicConfig(handlers=[Handler(log)], level=logging.WARNING, force=True)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # it warns of the mistakes of clients
    logging.captureWarnings(capture=True)
