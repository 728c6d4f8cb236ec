"""Load on a deployed model, and an exact count of the requests that failed."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SCRIPT = """\
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [==[{body}]==]
function delay() return 3 end -- milliseconds between two requests: the rollout needs the cores too
"""
FAILURES = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)"
                      r"|Non-2xx or 3xx responses: (\d+)")  # fmt: skip


class Load:
    """wrk on connections that stay open, and a thread that opens one for each request."""

    def __init__(self, address: str, model: str, features: dict[str, Any], folder: Path) -> None:
        self.address, self.path = address, f"/{model}/predict"
        self.body = json.dumps({"features": features})
        self.script = folder / f"{model}.lua"
        self.script.write_text(SCRIPT.format(body=self.body))
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.ask_again_and_again)
        self.fresh: list[str] = []
        self.report = ""

    def __enter__(self) -> Self:
        command = ["wrk", "--threads=1", "--connections=4", "--duration=300s", "--timeout=10s",
                   f"--script={self.script}", f"http://{self.address}{self.path}"]  # fmt: skip
        self.wrk = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        self.thread.join()
        self.wrk.send_signal(2)  # wrk ends early, and reports
        self.report, _ = self.wrk.communicate(timeout=20)

    def ask_again_and_again(self) -> None:
        """Ask on a new connection each time, until the load is over."""
        while not self.over.wait(0.005):
            self.fresh.append(self.ask())

    def ask(self) -> str:
        """Return the status of one request, or what went wrong."""
        connection = http.client.HTTPConnection(self.address, timeout=10)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", self.path, self.body, headers)
            return str(connection.getresponse().status)
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        finally:
            connection.close()

    @property
    def requests(self) -> int:
        """The number of requests, those that wrk counted included."""
        counted = re.search(r"(\d+) requests in", self.report)
        return len(self.fresh) + (int(counted[1]) if counted else 0)

    @property
    def failed(self) -> list[str]:
        """Describe what failed."""
        counted = [line.strip() for line in self.report.splitlines() if FAILURES.search(line)]
        return counted + [status for status in self.fresh if status != "200"]
