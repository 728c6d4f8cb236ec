"""Score the rows of concurrent requests in one batch, without holding any request back.

Requests that arrive in one turn of the event loop form one batch, which is scored at the end of
that turn. There is no timer, and under load one run of the model answers dozens of requests. A
batch that would block the loop for longer than three milliseconds is scored in a thread; requests
that arrive meanwhile form the next batch. Only one batch is scored at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from serve.errors import Unavailable
from serve.inference.arrays import Frame
from serve.inference.predictor import Predictor
from serve.inference.scores import Scores
from serve.validation.schema import Row

if TYPE_CHECKING:
    from serve.settings import Settings

LONGEST_ON_THE_LOOP = 0.003  # seconds that a batch may block the event loop
ROWS_PER_BATCH = 10_000

Observe = Callable[[Frame, Scores, int], None]
Result = tuple[Frame, Scores] | Exception


class Job(Protocol):
    """A request that waits for its scores; the batcher calls exactly one of its methods, once."""

    rows: Sequence[Row]

    def answer(self, scores: Scores) -> None:
        """Take the scores of the rows."""

    def fail(self, error: Exception) -> None:
        """Take the exception that the model raised."""


class Limits(NamedTuple):
    """How many requests and rows may be in flight before a request is refused."""

    jobs: int
    rows: int

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the limits of the settings."""
        return cls(settings.max_concurrency, settings.max_queued_rows)


class Batcher:
    """A queue of jobs in front of a model; belongs to the event loop in which it is made."""

    def __init__(self, predictor: Predictor, observe: Observe, limits: Limits) -> None:
        self.predictor = predictor
        self.observe = observe
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.rows_on_the_loop = int(LONGEST_ON_THE_LOOP / predictor.seconds_per_row())
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="batcher")
        self.waiting: list[Job] = []
        self.in_flight = 0
        self.rows_in_flight = 0
        self.scheduled = False

    def admit(self) -> None:
        """Check that another job may be submitted; raise Unavailable if too much is in flight."""
        if self.in_flight >= self.limits.jobs:
            raise too_busy(f"{self.limits.jobs} requests", "MAX_CONCURRENCY")
        if self.rows_in_flight >= self.limits.rows:
            raise too_busy(f"{self.limits.rows} rows", "MAX_QUEUED_ROWS")

    def submit(self, job: Job) -> None:
        """Queue a job for the next batch; raise Unavailable as `admit` does."""
        self.admit()
        self.in_flight += 1
        self.rows_in_flight += len(job.rows)
        self.waiting.append(job)
        if not self.scheduled:
            self.scheduled = True
            self.loop.call_soon(self.next_batch)

    def next_batch(self) -> None:
        """Score a small batch now, a large one in the thread."""
        if sum([len(job.rows) for job in self.waiting]) <= self.rows_on_the_loop:
            jobs, self.waiting = self.waiting, []
            self.scheduled = False
            self.deliver(self.score(jobs))
        else:
            scoring = self.loop.run_in_executor(self.thread, self.score, self.take())
            scoring.add_done_callback(self.after_thread)

    def take(self) -> list[Job]:
        """Take jobs off the queue: the first, and more up to ROWS_PER_BATCH rows."""
        rows = count = 0
        for job in self.waiting:
            rows += len(job.rows)
            if count and rows > ROWS_PER_BATCH:
                break
            count += 1
        jobs, self.waiting = self.waiting[:count], self.waiting[count:]
        return jobs

    def after_thread(self, scoring: asyncio.Future[list[tuple[list[Job], Result]]]) -> None:
        """Deliver what the thread scored, and go on with what arrived meanwhile."""
        self.deliver(scoring.result())
        if self.waiting:
            self.next_batch()
        else:
            self.scheduled = False

    def score(self, jobs: list[Job]) -> list[tuple[list[Job], Result]]:
        """Score all rows at once; if that fails, each job alone, as one job may be the cause."""
        try:
            return [(jobs, self.predictor(all_rows(jobs)))]
        except Exception as error:  # noqa: BLE001 - a custom estimator can raise anything
            if len(jobs) == 1:
                return [(jobs, error)]
        return [result for job in jobs for result in self.score([job])]

    def deliver(self, results: list[tuple[list[Job], Result]]) -> None:
        """Give every job its scores or its exception, and report each scored batch to `observe`."""
        for jobs, result in results:
            self.in_flight -= len(jobs)
            self.rows_in_flight -= sum([len(job.rows) for job in jobs])
            if isinstance(result, Exception):
                jobs[0].fail(result)
            else:
                frame, scores = result
                self.observe(frame, scores, self.in_flight)
                hand_out(jobs, scores)


def all_rows(jobs: list[Job]) -> Sequence[Row]:
    """Return the rows of all jobs."""
    return jobs[0].rows if len(jobs) == 1 else [row for job in jobs for row in job.rows]


def too_busy(limit: str, setting: str) -> Unavailable:
    """Return the refusal of a request beyond a limit."""
    return Unavailable(
        f"Fewer than {limit} must be in flight (the setting {setting}). Got as many. Try again."
    )


def hand_out(jobs: list[Job], scores: Scores) -> None:
    """Give each job its part of the scores."""
    labels, probabilities = scores.labels, scores.probabilities
    start = 0
    for job in jobs:
        end = start + len(job.rows)
        job.answer(Scores(labels[start:end], probabilities and probabilities[start:end]))
        start = end
