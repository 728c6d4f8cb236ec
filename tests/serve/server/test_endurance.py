"""A minute of twice as many requests as the server can answer does it no harm."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import requests

from tests.serve.server.flood import Answer, Client
from tests.support.servers.server import Server

BODY = {"instances": [[5.1, 3.5, 1.4, index % 25 / 10] for index in range(1000)]}
SECONDS = 60


class Watch:
    """What is seen of a server from outside, several times a second."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.health: list[float] = []
        self.mebibytes: list[float] = []

    async def run(self) -> None:
        """Look five times a second."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(0.2)

    def look(self) -> None:
        """Note how long the health takes, and how much memory the server holds."""
        start = time.perf_counter()
        assert requests.get(self.server.url("/health"), timeout=20).status_code == 200
        self.health.append(time.perf_counter() - start)
        self.mebibytes.append(self.server.resident_mebibytes)


async def overload(server: Server, watch: Watch) -> tuple[Sequence[Answer], float]:
    """Calibrate, then send twice that; return the answers and the capacity.

    Before, a few bursts take the memory to where the limits let it go: what comes after is growth.
    """
    client = Client(server.port, BODY)
    capacity = await client.capacity(seconds=3, connections=4)
    for _ in range(3):
        await asyncio.gather(*(client.ask() for _ in range(300)))
    watching = asyncio.create_task(watch.run())
    answers = await client.flood(2 * capacity, SECONDS)
    watching.cancel()
    client.close()
    return answers, capacity


def ids(answers: Sequence[Answer]) -> set[str]:
    """Return the request ids of the answers."""
    return {answer.headers["x-request-id"] for answer in answers}


def median_seconds(answers: Sequence[Answer]) -> float:
    """Return the median time of the answers."""
    return statistics.median(answer.seconds for answer in answers)


@pytest.mark.nightly
def test_twice_the_capacity_for_a_minute(make_bundle: Callable[[str], Path]) -> None:
    """What is accepted is answered, the rest refused at once; memory stays, /health answers."""
    with Server(make_bundle("flowers"), MAX_QUEUED_ROWS=50_000) as server:
        expected = server.post("/predict", BODY).content
        watch = Watch(server)
        answers, capacity = asyncio.run(overload(server, watch))
        assert server.stop() == 0
    accepted = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 503]
    assert len(answers) == len(accepted) + len(refused)
    assert len(answers) > 1.9 * capacity * SECONDS
    assert len(refused) > len(answers) / 10
    assert {answer.body for answer in accepted} == {expected}
    assert ids(accepted) <= {line["id"] for line in server.logged("prediction")}
    assert ids(refused) <= {line["id"] for line in server.logged("refused")}
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert median_seconds(refused) < min(1, median_seconds(accepted))
    assert sorted(watch.health)[int(0.95 * len(watch.health))] < 0.5
    assert max(watch.health) < 3  # on a machine that does other work as well
    settled = len(watch.mebibytes) // 6
    assert max(watch.mebibytes[settled:]) < 1.15 * max(watch.mebibytes[:settled])
