"""JSON lines on stdout: one log for predictions, for events, and for libraries."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from serve.errors import Crashed

if TYPE_CHECKING:
    from serve.errors import Failure

LATENCY = 0.01  # seconds that a line of a prediction may wait for others

encode = msgspec.json.Encoder().encode


class Clock:
    """Returns the time as RFC 3339 in UTC; formats what precedes the milliseconds once a second."""

    def __init__(self) -> None:
        self.second = 0
        self.prefix = b""

    def __call__(self) -> bytes:
        """Return the time now, as RFC 3339 with milliseconds."""
        now = time.time()
        second = int(now)
        if second != self.second:
            self.second = second
            self.prefix = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second)).encode()
        return b"%b%03dZ" % (self.prefix, (now - second) * 1000)


class Log:
    """Writes JSON lines; those of predictions are gathered for LATENCY and written together."""

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self.stream = stream or sys.stdout.buffer
        self.now = Clock()
        self.lines: list[bytes] = []
        self.turn: int | None = None

    def event(self, message: str, *, level: str = "info", **fields: Any) -> None:
        """Write one line now, together with those that wait."""
        self.lines.append(self.line(message, level=level, **fields))
        self.flush()

    def line(self, message: str, *, level: str = "info", **fields: Any) -> bytes:
        """Return one line as JSON, with the time, `message`, `level` and `fields`."""
        now = self.now().decode()
        return encode({"time": now, "level": level, "message": message, **fields}) + b"\n"

    def later(self, line: bytes) -> None:
        """Write a line, which must be JSON already, within LATENCY seconds."""
        if not self.lines:
            asyncio.get_running_loop().call_later(LATENCY, self.flush)
        self.lines.append(line)

    def failure(self, failure: Failure) -> None:
        """Write the one line that says why the process ends, with the traceback of a crash."""
        fields: dict[str, Any] = {"error": type(failure).__name__, "exit_code": failure.exit_code}
        if isinstance(failure, Crashed):
            fields["traceback"] = "".join(traceback.format_exception(failure.__cause__))
        self.event(str(failure), level="error", **fields)

    def share(self) -> None:
        """Make processes that are forked from now on write in turn.

        Longer writes of several processes to one pipe are mixed otherwise (PIPE_BUF in POSIX).
        """
        self.turn = os.memfd_create("log")

    def flush(self) -> None:
        """Write the lines that wait; if the reader of the log is gone, serve on without it."""
        lines, self.lines = self.lines, []
        if self.turn is not None:
            fcntl.lockf(self.turn, fcntl.LOCK_EX)
        try:
            self.stream.write(b"".join(lines))
            self.stream.flush()
        except OSError:
            pass
        finally:
            if self.turn is not None:
                fcntl.lockf(self.turn, fcntl.LOCK_UN)


class Handler(logging.Handler):
    """Sends what libraries log, as JSON lines, to a Log."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, with its traceback if it has one."""
        fields = {"logger": record.name}
        if record.exc_info:
            fields["traceback"] = logging.Formatter().formatException(record.exc_info)
        self.log.event(record.getMessage(), level=record.levelname.lower(), **fields)


def capture(log: Log) -> None:
    """Send everything that is logged or warned, in this process, to `log`."""
    logging.basicConfig(handlers=[Handler(log)], level=logging.WARNING, force=True)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # uvicorn warns about mistakes of clients
    logging.captureWarnings(capture=True)
