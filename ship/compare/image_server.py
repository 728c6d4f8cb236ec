"""Run an image within the limits of its hosts, and ask it one row at a time over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse

from contract.bundle import Bundle
from ship import command
from ship.errors import StageError
from ship.host.confined import start
from ship.host.waiting import wait_for

PORT = "8080"
SECONDS = 30  # to become ready
LARGEST = 2**20  # bytes of an answer about one row


class ImageServer:
    """A container that answers on one connection."""

    def __init__(self, port: int, bundle: Bundle) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
        self.body = json.dumps({"features": bundle.examples[0].features})

    def ask(self) -> float:
        """Score a golden example and return the milliseconds.

        Raises StageError unless it answers 200.
        """
        started = time.perf_counter()
        self.connection.request("POST", "/predict", self.body, {"Content-Type": "application/json"})
        answer = self.connection.getresponse()
        read_bounded(answer)
        if answer.status != 200:
            raise StageError(f"/predict must answer 200. Got {answer.status} instead.")
        return (time.perf_counter() - started) * 1000

    def readiness(self) -> int | str:
        """Return the status of /ready, or why there is none."""
        try:
            self.connection.request("GET", "/ready")
            answer = self.connection.getresponse()
            read_bounded(answer)
        except (OSError, HTTPException) as error:
            self.connection.close()
            return repr(error)
        return answer.status


def read_bounded(answer: HTTPResponse) -> None:
    """Read an answer to its end, so that the connection can be used again.

    Raises StageError for more than LARGEST bytes.
    """
    if len(answer.read(LARGEST + 1)) > LARGEST:
        raise StageError(f"An answer must have at most {LARGEST} bytes. Got more.")


@contextmanager
def serving(image: str, bundle: Bundle) -> Iterator[ImageServer]:
    """Yield the server of an image once it is ready; raise StageError if it is not in time."""
    container = start(image, f"--publish=127.0.0.1::{PORT}")
    try:
        port = command.run("docker", "port", container, PORT).partition("\n")[0].rpartition(":")[2]
        server = ImageServer(int(port), bundle)
        wait_for(server.readiness, lambda status: status == 200,
                 f"{image} must be ready", SECONDS)  # fmt: skip
        with closing(server.connection):
            yield server
    finally:
        command.attempt("docker", "rm", "--force", container)
