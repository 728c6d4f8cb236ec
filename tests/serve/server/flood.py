"""A client that sends at a rate of its own, however slowly it is answered."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Answer(NamedTuple):
    """What came back, and after how many seconds."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


class Client:
    """Keeps connections for another request; opens one more when all are busy."""

    def __init__(self, port: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.port = port
        self.request = (
            b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(content), content)
        )
        self.idle: list[Streams] = []

    async def ask(self) -> Answer:
        """Send the request and return its answer; raise OSError if there is none."""
        start = time.perf_counter()
        streams = self.idle.pop() if self.idle else await self.connect()
        streams[1].write(self.request)
        status, headers, body = await read(streams[0])
        self.idle.append(streams)
        return Answer(status, headers, body, time.perf_counter() - start)

    async def connect(self) -> Streams:
        """Open a connection."""
        return await asyncio.open_connection("127.0.0.1", self.port)

    def close(self) -> None:
        """Close the connections that wait for another request."""
        for _, writer in self.idle:
            writer.close()

    async def capacity(self, seconds: float, connections: int) -> float:
        """Return how many requests a second are answered when each waits for the one before."""

        async def one_after_another() -> int:
            count = 0
            while time.perf_counter() < end:
                await self.ask()
                count += 1
            return count

        end = time.perf_counter() + seconds
        counts = await asyncio.gather(*(one_after_another() for _ in range(connections)))
        return sum(counts) / seconds

    async def flood(self, rate: float, seconds: float) -> Sequence[Answer]:
        """Send so many requests a second, and wait for all answers."""
        start = time.perf_counter()
        tasks: list[asyncio.Task[Answer]] = []
        while (passed := time.perf_counter() - start) < seconds:
            due = int(passed * rate) - len(tasks)
            tasks += [asyncio.create_task(self.ask()) for _ in range(due)]
            await asyncio.sleep(0.005)
        return await asyncio.gather(*tasks)


async def read(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Read one answer: its status, its headers and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.rstrip().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    body = await reader.readexactly(int(headers["content-length"]))
    return int(first.split()[1]), headers, body
