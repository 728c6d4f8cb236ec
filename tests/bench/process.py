"""A server under measurement: pinned to one core, timed from its start to its first answer."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

SERVER_CORE, CLIENT_CORE = "0", "1"
PATIENCE = 60  # seconds
ROOT = Path(__file__).parents[2]
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

    def __init__(self, contender: Contender, port: int) -> None:
        self.contender = contender
        self.port = port

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
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
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
        """Return the resident memory of all processes of the contender."""
        total = 0
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid:  # its session
                    total += int((status.parent / "statm").read_text().split()[1])
            except OSError:
                continue
        return total * os.sysconf("SC_PAGESIZE") / 2**20
