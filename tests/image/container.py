"""Containers that a test owns: started, watched, and gone afterwards."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import requests

from ship.host.confined import LIMITS, NETWORK
from tests.support.waiting import wait_until

HOSTILE = (*LIMITS, f"--network={NETWORK}")


def docker(*arguments: str, check: bool = True, stdin: str | None = None) -> str:
    """Run one docker command and return what it printed."""
    result = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False, input=stdin
    )
    assert result.returncode == 0 or not check, f"docker {arguments[0]}: {result.stderr}"
    return result.stdout


class Container:
    """A serving container, run as a hostile host would and under a random user by default."""

    def __init__(
        self,
        image: str,
        *options: str,
        user: str | None = None,
        port: int = 8080,
        arguments: Sequence[str] = (),
    ) -> None:
        self.image = image
        self.port = port
        self.arguments = arguments
        self.options = options or HOSTILE
        self.user = user or str(random.randrange(10_000, 60_000))  # noqa: S311  # any will do
        self.id = ""
        self.url = ""

    def __enter__(self) -> Self:
        publish = f"--publish=127.0.0.1::{self.port}"
        self.id = docker("run", "--pull=never", "--detach", f"--user={self.user}", publish,
                         *self.options, self.image, *self.arguments).strip()  # fmt: skip
        port = docker("port", self.id, str(self.port), check=False).strip()
        self.url = f"http://{port}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error:
            print(docker("logs", self.id, check=False))
        docker("rm", "--force", "--volumes", self.id)

    def wait_ready(self) -> Self:
        """Wait until the server is ready, and return this container."""
        wait_until(self.is_ready, f"readiness of {self.image}")
        return self

    def is_ready(self) -> bool:
        """Return whether the server is ready; fail with its log if the container has ended."""
        try:
            return self.get("/ready").status_code == 200
        except (requests.ConnectionError, requests.Timeout):
            running = docker("inspect", "--format={{.State.Running}}", self.id).strip()
            assert running == "true", docker("logs", self.id)
            return False

    def get(self, path: str) -> requests.Response:
        """Get a path of the server."""
        return requests.get(self.url + path, timeout=10)

    def post(self, path: str, body: Any) -> requests.Response:
        """Post JSON to a path of the server."""
        return requests.post(self.url + path, json=body, timeout=10)

    def logs(self) -> list[dict[str, Any]]:
        """Return the log, which must consist of JSON objects, one a line, all on stdout."""
        result = subprocess.run(
            ["docker", "logs", self.id], capture_output=True, text=True, check=True
        )
        assert result.stderr == ""
        return [json.loads(line) for line in result.stdout.splitlines()]

    def processor_seconds(self) -> float:
        """Return the processor time of the server, in steps of hundredths (proc(5): stat)."""
        after_the_name = docker("exec", self.id, "cat", "/proc/1/stat").rpartition(")")[2].split()
        return sum(map(int, after_the_name[11:15])) / os.sysconf("SC_CLK_TCK")

    def changed_files(self) -> list[str]:
        """Return the paths that differ from the image."""
        return [line[2:] for line in docker("diff", self.id).splitlines()]

    def stop(self) -> tuple[int, float]:
        """Send SIGTERM; return the exit code and the seconds it took."""
        started = time.monotonic()
        docker("stop", "--time=10", self.id)
        seconds = time.monotonic() - started
        return int(docker("inspect", "--format={{.State.ExitCode}}", self.id)), seconds


def files(image: str) -> list[str]:
    """Return the path of every file in an image."""
    made = docker("create", "--pull=never", image).strip()
    try:
        with subprocess.Popen(["docker", "export", made], stdout=subprocess.PIPE) as export:
            listed = subprocess.run(
                ["tar", "t"], stdin=export.stdout, capture_output=True, text=True, check=True
            )
        assert export.returncode == 0
    finally:
        docker("rm", made)
    return listed.stdout.splitlines()
