"""A server that is measured: pinned to one core, timed from its start to its first answer."""

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
    """A way to serve the same forest: the command that starts it, and a request that it answers."""

    name: str
    command: list[str]  # {port} stands for the port
    body: str = '{"features":[5.1,3.5,1.4,0.2]}'
    path: str = "/predict"
    environment: dict[str, str] = field(default_factory=dict)


class Running:
    """Runs a server's processes within a `with` block.

    Entering raises TimeoutError if the server does not answer within PATIENCE seconds.
    """

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        self.port = free_port()

    def __enter__(self) -> Self:
        """Start the server and wait for its first answer; raise TimeoutError without one."""
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
        """Stop the server and every process that it started."""
        members = family(self.process.pid)
        os.killpg(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        for member in members:  # those that moved to a session of their own may still be there
            with suppress(ProcessLookupError):
                os.kill(member, signal.SIGKILL)
        self.process.wait()

    def answers(self) -> bool:
        """Return whether the server answers its request with 200."""
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
        """The resident memory in MiB of the server's process and all its descendants."""
        return sum(map(resident_pages, family(self.process.pid))) * PAGE / 2**20


def free_port() -> int:
    """Return a TCP port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def family(ancestor: int) -> set[int]:
    """Return a process and its descendants, in any session."""
    parents = dict(filter(None, map(parent, Path("/proc").glob("[0-9]*"))))
    members = {ancestor}
    while children := {pid for pid, above in parents.items() if above in members} - members:
        members |= children
    return members


def parent(process: Path) -> tuple[int, int] | None:
    """Return the ids of a process and its parent, None if it has just ended."""
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(process.name), int(fields[1])


def resident_pages(process: int) -> int:
    """Return the resident memory of a process in pages, 0 if it has ended."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0
