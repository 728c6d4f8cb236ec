"""An image that answers one row at a time over HTTP, run as its hosts run it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse

from contract.bundle import Bundle
from ship.build.confined import start
from ship.build.engine import run
from ship.errors import StageError

PORT = "8080"
SECONDS = 30  # to become ready
LARGEST = 2**20  # bytes of an answer about one row


class Server:
    """A container that answers, on one connection."""

    def __init__(self, port: int, bundle: Bundle) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        self.body = json.dumps({"features": bundle.examples[0].features})

    def ask(self) -> float:
        """Score a golden example and return the milliseconds it took."""
        started = time.perf_counter()
        self.connection.request("POST", "/predict", self.body, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        read_bounded(answer)
        if answer.status != 200:
            raise StageError(f"/predict must answer 200. Got {answer.status} instead.")
        return (time.perf_counter() - started) * 1000

    def is_ready(self) -> bool:
        try:
            self.connection.request("GET", "/ready")
            answer = self.connection.getresponse()
            read_bounded(answer)
        except (OSError, HTTPException):
            self.connection.close()
            return False
        return answer.status == 200


def read_bounded(answer: HTTPResponse) -> None:
    """Read an answer to its end, so that the connection can be used again."""
    if len(answer.read(LARGEST + 1)) > LARGEST:
        raise StageError(f"An answer must have at most {LARGEST} bytes. Got more.")


@contextmanager
def serving(image: str, bundle: Bundle) -> Iterator[Server]:
    """Run an image as its hosts do, and wait until it is ready."""
    container = start(image, f"--publish=127.0.0.1::{PORT}")
    try:
        port = run("docker", "port", container, PORT).partition("\n")[0].rpartition(":")[2]
        server = Server(int(port), bundle)
        deadline = time.monotonic() + SECONDS
        while not server.is_ready():
            if time.monotonic() > deadline:
                raise StageError(f"{image} must be ready within {SECONDS} s. It is not.")
            time.sleep(0.1)
        with closing(server.connection):
            yield server
    finally:
        subprocess.run(["docker", "rm", "--force", container], capture_output=True, check=False)
