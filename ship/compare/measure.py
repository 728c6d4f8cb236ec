"""Size and speed of an image beside the published one: measured in turns, in one run."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse

from contract.bundle import Bundle, read
from contract.spec.gate import ImageRules
from judge.report import Check
from ship import command
from ship.build.build import Build
from ship.build.confined import start
from ship.build.engine import load
from ship.compare.published_model import Baseline
from ship.errors import StageError
from ship.registry.oci_archive import Archive
from ship.waiting import wait_for

PORT = "8080"
WARMUP, ROUNDS = 20, 200
SECONDS = 30  # to become ready
LARGEST = 2**20  # bytes of an answer about one row


def measure(build: Build, baseline: Baseline | None, rules: ImageRules) -> list[Check]:
    """Return the checks of an image, which is put into the engine where it has to run.

    An image that was published for other machines only has nothing to be held against here.
    """
    new, old = build.archive, baseline
    if old is None or new.architecture != old.stored.architecture:
        return []
    sizes = new.compressed_size / 1e6, old.stored.compressed_size / 1e6
    checks = [ratio("image size, MB", *sizes, rules.size_ratio)]
    if new.digest != old.stored.digest:
        speeds = latencies(build, new, old)
        checks.append(ratio("latency of one row, ms", *speeds, rules.latency_ratio))
    return checks


def ratio(name: str, new: float, old: float, most: float) -> Check:
    found = f"{old:.3g} → {new:.3g}: {new / old:.2f} times"
    rule = f"at most {most:g} times the published image's"
    return Check(name=name, rule=rule, found=found, passed=new <= most * old)


def latencies(build: Build, archive: Archive, baseline: Baseline) -> tuple[float, float]:
    """Return both images' median milliseconds for one row over HTTP.

    They answer in turns, so that whatever else this machine does slows both.
    """
    with (
        serving(load(archive), read(build.bundle)) as new,
        serving(baseline.image, baseline.bundle) as old,
    ):
        for _ in range(WARMUP):
            new.ask()
            old.ask()
        rounds = [(new.ask(), old.ask()) for _ in range(ROUNDS)]
    return statistics.median(a for a, _ in rounds), statistics.median(b for _, b in rounds)


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
    """Read an answer to its end, so that the connection can be used again."""
    if len(answer.read(LARGEST + 1)) > LARGEST:
        raise StageError(f"An answer must have at most {LARGEST} bytes. Got more.")


@contextmanager
def serving(image: str, bundle: Bundle) -> Iterator[Server]:
    """Run an image as its hosts do, and wait until it is ready."""
    container = start(image, f"--publish=127.0.0.1::{PORT}")
    try:
        port = command.run("docker", "port", container, PORT).partition("\n")[0].rpartition(":")[2]
        server = Server(int(port), bundle)
        wait_for(server.readiness, lambda status: status == 200,
                 f"{image} must be ready", SECONDS)  # fmt: skip
        with closing(server.connection):
            yield server
    finally:
        command.attempt("docker", "rm", "--force", container)
