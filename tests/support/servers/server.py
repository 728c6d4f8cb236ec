"""A server in a process of its own, as in its container."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from tests.support.waiting import PATIENCE, wait_until

ROOT = Path(__file__).parents[3]


class Server:
    """Owns the life of `python -m serve`; fails if it logged a warning or an error."""

    def __init__(self, bundle: Path, **settings: object) -> None:
        self.settings = {"BUNDLE": bundle, "HOST": "127.0.0.1", "PORT": 0, "DRAIN_SECONDS": 0}
        self.settings |= settings
        self.lines: list[dict[str, Any]] = []
        self.session = requests.Session()
        self.clean = True

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "serve"],
            cwd=ROOT,
            env=environment(self.settings),
            stdout=subprocess.PIPE,
        )
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        count = int(str(self.settings.get("WORKERS", 1)))
        wait_until(
            lambda: len(self.logged("ready")) == count or self.process.poll() is not None,
            "the start of the server",
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.session.close()
        self.stop()
        if error is None and self.clean:
            assert [line for line in self.lines if line["level"] not in ("info", "debug")] == []

    def read(self) -> None:
        """Keep each line of the log."""
        assert self.process.stdout
        with self.process.stdout as log:
            for line in log:
                self.lines.append(json.loads(line))

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, wait for the end, return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return code

    def logged(self, message: str) -> list[dict[str, Any]]:
        """Return the log lines with this message."""
        return [line for line in self.lines if line["message"] == message]

    def line(self, identity: str) -> dict[str, Any]:
        """Return the log line of a request, once it is there."""
        wait_until(
            lambda: [line for line in self.lines if line.get("id") == identity],
            "the line of the log",
        )
        (line,) = [line for line in self.lines if line.get("id") == identity]
        return line

    @property
    def port(self) -> int:
        """The port that the server listens on."""
        return int(self.logged("listening")[0]["port"])

    @property
    def resident_mebibytes(self) -> float:
        """The memory that the server holds."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE") / 2**20

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str, **options: Any) -> requests.Response:
        """Get a path."""
        return self.session.get(self.url(path), timeout=PATIENCE, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        """Post JSON to a path."""
        return self.session.post(self.url(path), json=body, timeout=PATIENCE, **options)

    def send(self, body: bytes, path: str = "/predict", **headers: str) -> requests.Response:
        """Post bytes as they are, said to be JSON."""
        return self.session.post(
            self.url(path),
            data=body,
            timeout=PATIENCE,
            headers={"content-type": "application/json", **headers},
        )


def environment(settings: dict[str, object]) -> dict[str, str]:
    """Return an environment of the settings, and of this one only PATH."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return kept | {name.upper(): str(value) for name, value in settings.items()}


def command(
    *arguments: str, stdin: bytes = b"", **settings: object
) -> subprocess.CompletedProcess[bytes]:
    """Run a command of the server to its end."""
    return subprocess.run(
        [sys.executable, "-m", "serve", *arguments],
        cwd=ROOT,
        env=environment(settings),
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
