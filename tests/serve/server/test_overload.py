"""More work than the server can do is turned away at once; what it takes, it finishes."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from serve.errors import BrokenModel, Unavailable
from serve.inference.arrays import Frame
from serve.inference.batcher import Batcher, Limits
from serve.inference.scores import Scores
from tests.support.servers.bundles import rewrite
from tests.support.servers.server import Server, command
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow  # starts servers

ROW = {"features": [5.1, 3.5, 1.4, 0.2]}
ENOUGH = Limits(100, 1000)
ROWS = {"instances": [[5.1, 3.5, 1.4, 0.2]] * 10_000}


class Job:
    """A request that only remembers what came of it."""

    def __init__(self, *rows: float) -> None:
        self.rows = [(row,) for row in rows]
        self.result: Any = None
        self.done = asyncio.Event()

    def answer(self, scores: Scores) -> None:
        """Keep the labels."""
        self.result = list(scores.labels)
        self.done.set()

    def fail(self, error: Exception) -> None:
        """Keep the error."""
        self.result = error
        self.done.set()


class Model:
    """Answers each row with itself; slowly, and never the number 13."""

    def __init__(self, seconds: float = 0) -> None:
        self.seconds = seconds
        self.batches: list[int] = []

    def seconds_per_row(self) -> float:
        """The time that a row takes."""
        return max(self.seconds, 1e-6)

    def __call__(self, rows: list[tuple[float]]) -> tuple[Frame, Scores]:
        """Note the size of a batch and echo its rows; fail if 13 is among them."""
        self.batches.append(len(rows))
        time.sleep(self.seconds)
        if (13,) in rows:
            raise ValueError("thirteen")
        nothing = np.empty((0, 0))
        return Frame(nothing, nothing, nothing.astype("datetime64[ns]")), Scores(
            [row[0] for row in rows], None
        )


def score(model: Model, jobs: list[Any], limits: Limits = ENOUGH) -> list[Any]:
    """Submit jobs in one turn of a loop; return what came of each."""

    async def run() -> None:
        batcher = Batcher(model, lambda *_: None, limits)  # type: ignore[arg-type]
        for job in jobs:
            try:
                batcher.submit(job)
            except Unavailable as error:
                job.fail(error)
        await asyncio.gather(*(job.done.wait() for job in jobs))

    asyncio.run(run())
    return [job.result for job in jobs]


def test_scorer_makes_one_batch_of_what_comes_together() -> None:
    """Jobs of one turn are scored together, and each gets its own answers."""
    model = Model()
    assert score(model, [Job(1), Job(2, 3), Job(4)]) == [[1], [2, 3], [4]]
    assert model.batches == [4]


def test_scorer_in_a_thread_gathers_what_comes_meanwhile() -> None:
    """A slow model is asked in a thread, for all that wait at once."""
    model = Model(seconds=0.01)
    assert score(model, [Job(1), Job(2), Job(3)]) == [[1], [2], [3]]
    assert model.batches == [3]


def test_scorer_spares_jobs_from_their_neighbours() -> None:
    """A row that makes the model raise spoils its own job only."""
    first, second, third = score(Model(), [Job(1), Job(13), Job(3)])
    assert (first, third) == ([1], [3])
    assert isinstance(second, ValueError)


@pytest.mark.parametrize(
    ("limits", "setting"),
    [(Limits(2, 1000), "MAX_CONCURRENCY"), (Limits(100, 3), "MAX_QUEUED_ROWS")],
)
def test_scorer_turns_away_what_is_too_much(limits: Limits, setting: str) -> None:
    """Beyond its limits the batcher refuses at once and names the setting."""
    first, second, third = score(Model(), [Job(1), Job(2, 3), Job(4, 5)], limits)
    assert (first, second) == ([1], [2, 3])
    assert isinstance(third, Unavailable)
    assert setting in str(third)


@pytest.fixture(scope="module")
def busy_server(make_bundle: Callable[[str], Path]) -> Iterator[Server]:
    """A server of a slow model with a short queue."""
    with Server(make_bundle("joblib"), MAX_CONCURRENCY=2) as server:
        yield server


def test_overload_is_answered_at_once(busy_server: Server) -> None:
    """Of more requests than may be in flight some get a 503 with Retry-After, the rest a 200."""
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda _: post(busy_server, ROWS), range(24)))
    codes = Counter(answer.status_code for answer in answers)
    assert set(codes) == {200, 503}
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.headers["retry-after"] == "1"
    assert "MAX_CONCURRENCY" in refused.json()["error"]


def test_health_answers_while_predictions_run(busy_server: Server) -> None:
    """A thread that scores for long leaves the probes free, and they tell what is in flight."""
    stop = threading.Event()

    def load() -> None:
        while not stop.is_set():
            post(busy_server, ROWS)

    with ThreadPoolExecutor(3) as threads:
        for _ in range(3):
            threads.submit(load)
        try:
            times = [busy_server.get("/health").elapsed.total_seconds() for _ in range(20)]
            in_flight = "\npredictions_in_flight 2\n"
            wait_until(lambda: in_flight in busy_server.get("/metrics").text, "a full queue")
        finally:
            stop.set()
    assert sorted(times)[10] < 0.5


def post(server: Server, body: Any) -> requests.Response:
    """Post a body to /predict."""
    return requests.post(server.url("/predict"), json=body, timeout=20)


@pytest.fixture(scope="module")
def two_workers(make_bundle: Callable[[str], Path]) -> Iterator[Server]:
    """A server of flowers with two workers."""
    with Server(make_bundle("flowers"), WORKERS=2) as server:
        yield server


def test_killed_worker_is_replaced(two_workers: Server) -> None:
    """A worker that is killed is replaced, and the service goes on."""
    children = Path(f"/proc/{two_workers.process.pid}/task/{two_workers.process.pid}/children")
    victim, other = map(int, children.read_text().split())
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(two_workers.logged("ready")) == 3, "the start of a third worker")
    assert other in map(int, children.read_text().split())
    assert [line["signal"] for line in two_workers.logged("worker replaced")] == ["SIGKILL"]
    assert post(two_workers, ROW).status_code == 200


def test_workers_count_together(two_workers: Server) -> None:
    """Whichever worker answers /metrics, it tells the sum of all."""
    for _ in range(20):
        post(two_workers, ROW)
    texts = {requests.get(two_workers.url("/metrics"), timeout=5).text for _ in range(6)}
    rows = {
        line for text in texts for line in text.splitlines() if line.startswith("prediction_rows")
    }
    assert len(rows) == 1
    assert float(rows.pop().split()[1]) >= 20


def test_workers_stop_together(make_bundle: Callable[[str], Path]) -> None:
    """SIGTERM ends all workers, and the exit code is 0."""
    with Server(make_bundle("flowers"), WORKERS=2) as server:
        assert server.stop() == 0


def test_worker_that_refuses_ends_all(tmp_path: Path, make_bundle: Callable[[str], Path]) -> None:
    """A model that cannot be used ends the process with its own code, however many workers."""
    bundle = Path(shutil.copytree(make_bundle("flowers"), tmp_path / "flowers"))
    rewrite(bundle, "model.onnx", b"no model")
    ended = command(BUNDLE=bundle, PORT=0, HOST="127.0.0.1", WORKERS=2)
    assert BrokenModel.exit_code == ended.returncode
