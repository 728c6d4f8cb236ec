"""Scores the rows of many requests together, without making any of them wait for it.

Requests that arrive in one turn of the event loop form one batch, which is scored at the end of
that turn: no timer, and under load one run of the model answers dozens of requests. A batch that
would hold the loop for longer than a millisecond is scored in a thread; what arrives meanwhile
forms the next batch. Only one batch is scored at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from serve.frame import Frame
from serve.predictor import Predictor
from serve.runtime import Scores
from serve.schema import Row

LONGEST_ON_THE_LOOP = 0.001  # seconds
ROWS_PER_BATCH = 10_000

Observe = Callable[[Frame, Scores], None]
Answer = tuple[Frame, Scores] | Exception


class Job(NamedTuple):
    rows: Sequence[Row]
    scores: asyncio.Future[Scores]


class Scorer:
    """A queue of requests in front of a model; belongs to the event loop it is made in."""

    def __init__(self, predictor: Predictor, observe: Observe) -> None:
        self.predictor = predictor
        self.observe = observe
        self.loop = asyncio.get_running_loop()
        self.rows_on_the_loop = int(LONGEST_ON_THE_LOOP / predictor.seconds_per_row())
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="scorer")
        self.waiting: list[Job] = []
        self.scheduled = False

    def score(self, rows: Sequence[Row]) -> asyncio.Future[Scores]:
        """Return the answers to `rows`, in a moment."""
        job = Job(rows, self.loop.create_future())
        self.waiting.append(job)
        if not self.scheduled:
            self.scheduled = True
            self.loop.call_soon(self.next_batch)
        return job.scores

    def next_batch(self) -> None:
        if sum(len(job.rows) for job in self.waiting) <= self.rows_on_the_loop:
            jobs, self.waiting = self.waiting, []
            self.scheduled = False
            self.deliver(self.answers(jobs))
        else:
            done = self.loop.run_in_executor(self.thread, self.answers, self.take())
            done.add_done_callback(self.after_thread)

    def take(self) -> list[Job]:
        """Take jobs off the queue: the first, and more while the batch is not too large."""
        rows = count = 0
        for job in self.waiting:
            rows += len(job.rows)
            if count and rows > ROWS_PER_BATCH:
                break
            count += 1
        jobs, self.waiting = self.waiting[:count], self.waiting[count:]
        return jobs

    def after_thread(self, done: asyncio.Future[list[tuple[list[Job], Answer]]]) -> None:
        self.deliver(done.result())
        if self.waiting:
            self.next_batch()
        else:
            self.scheduled = False

    def answers(self, jobs: list[Job]) -> list[tuple[list[Job], Answer]]:
        """Score all rows at once; if that fails each job alone, for one may spoil the others'."""
        try:
            return [(jobs, self.predictor([row for job in jobs for row in job.rows]))]
        except Exception as error:  # noqa: BLE001 - an estimator of one's own can raise anything
            if len(jobs) == 1:
                return [(jobs, error)]
        return [answer for job in jobs for answer in self.answers([job])]

    def deliver(self, answers: list[tuple[list[Job], Answer]]) -> None:
        for jobs, answer in answers:
            if isinstance(answer, Exception):
                jobs[0].scores.set_exception(answer)
            else:
                frame, scores = answer
                self.observe(frame, scores)
                hand_out(jobs, scores)


def hand_out(jobs: list[Job], scores: Scores) -> None:
    """Give each job its part of the scores."""
    start = 0
    for job in jobs:
        end = start + len(job.rows)
        if not job.scores.done():
            probabilities = scores.probabilities and scores.probabilities[start:end]
            job.scores.set_result(Scores(scores.labels[start:end], probabilities))
        start = end
