"""A server under measurement: pinned to one core, timed from its start to its first answer."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

SERVER_CORE, CLIENT_CORE = "0", "1"
PATIENCE = 120  # seconds
PAGE = os.sysconf("SC_PAGESIZE")
ROOT = Path(__file__).parents[1]
HEADERS = {"content-type": "application/json"}


@dataclass
class Contender:
    """A way to serve the same forest."""

    name: str
    command: list[str]  # {port} stands for the port
    body: str = '{"features":[5.1,3.5,1.4,0.2]}'
    path: str = "/predict"
    environment: dict[str, str] = field(default_factory=dict)


class Running:
    """Owns the life of a contender's processes."""

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        self.port = free_port()

    def __enter__(self) -> Self:
        command = [part.replace("{port}", str(self.port)) for part in self.contender.command]
        start = time.perf_counter()
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, *command],
            cwd=ROOT,
            env={**os.environ, **self.contender.environment, "PORT": str(self.port)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while not self.answers():
            if time.perf_counter() - start > PATIENCE:
                self.end()
                raise TimeoutError(f"{self.contender.name} does not answer on port {self.port}")
            time.sleep(0.002)
        self.seconds_to_first_answer = time.perf_counter() - start
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        members = family(self.process.pid)
        os.killpg(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        for member in members:  # those that moved to a session of their own may still be there
            with suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        self.process.wait()

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("POST", self.contender.path, self.contender.body, HEADERS)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    @property
    def resident_mebibytes(self) -> float:
        """Return the resident memory of the contender's process and all that come from it."""
        return sum(map(resident_pages, family(self.process.pid))) * PAGE / 2**20


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def family(ancestor: int) -> set[int]:
    """Return a process and its descendants, whatever sessions they moved to."""
    parents = dict(filter(None, map(parent, Path("/proc").glob("[0-9]*"))))
    found = {ancestor}
    while grown := {child for child, of in parents.items() if of in found} - found:
        found |= grown
    return found


def parent(process: Path) -> tuple[int, int] | None:
    """Return a process and its parent, unless it has just ended."""
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(process.name), int(fields[1])


def resident_pages(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0
