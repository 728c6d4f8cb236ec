"""What every route needs: the bundle, the model once it is loaded, and whether it is ready."""

# ruff: noqa: PLC0415 - the port is open before numpy is imported
from __future__ import annotations

import asyncio
import gc
import time
from typing import TYPE_CHECKING

from serve.api import paths
from serve.errors import Unavailable, as_failure
from serve.http import Unfinished
from serve.monitoring.metrics import Metrics
from serve.validation.schema import Schema

if TYPE_CHECKING:
    from contract.bundle import Bundle
    from serve.errors import Failure, Refusal
    from serve.inference.arrays import Frame
    from serve.inference.batcher import Batcher
    from serve.inference.predictor import Predictor
    from serve.inference.scores import Scores
    from serve.monitoring.logs import Log
    from serve.settings import Settings

STARTING = "starting: the model is being loaded and tested"
BODIES = 8  # so many bodies of the largest size may be arriving at once
DRAINING = "draining: this process is about to end"


class Service:
    """The bundle that is served, the state of its model, and the counters and log of its routes."""

    def __init__(self, bundle: Bundle, settings: Settings, log: Log) -> None:
        self.bundle = bundle
        self.manifest = bundle.manifest
        self.settings = settings
        self.log = log
        self.schema = Schema(bundle.manifest, settings.max_rows)
        known = paths.known(bundle.manifest, settings)
        self.metrics = Metrics(bundle.manifest, known, settings.workers)
        self.unfinished = Unfinished(BODIES * settings.max_body_bytes)
        self.unready = STARTING  # why no request should be sent here; empty when ready
        self.failure: Failure | None = None
        self.batcher: Batcher | None = None
        self.draining = False
        self.loading: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to load the model; it is ready when it has answered the golden examples."""
        self.loading = asyncio.get_running_loop().create_task(self.load())

    async def load(self) -> None:
        """Load and check the model in a thread; note what went wrong, which stops the server."""
        start = time.perf_counter()
        try:
            self.accept(await asyncio.to_thread(load_checked, self.bundle, self.settings.threads))
        except Exception as error:  # noqa: BLE001 - nobody else looks at what this task raises
            self.failure = as_failure(error)
            return
        milliseconds = round((time.perf_counter() - start) * 1000)
        self.log.event(
            "ready",
            model=self.manifest.name,
            version=self.manifest.version,
            runtime=self.manifest.runtime,
            load_ms=milliseconds,
        )

    def accept(self, predictor: Predictor) -> None:
        """Take requests from now on, with this predictor."""
        from serve.inference.batcher import Batcher, Limits
        from serve.monitoring.drift import DriftCounter

        drift = DriftCounter(self.manifest)

        def observe(frame: Frame, scores: Scores, in_flight: int) -> None:
            self.metrics.batch(scores, drift(frame), in_flight)

        self.batcher = Batcher(predictor, observe, Limits.of(self.settings))
        tune_garbage_collection()
        if not self.draining:
            self.unready = ""

    def refused(self, route: str, refusal: Refusal, **fields: str) -> None:
        """Count and log a refusal, at level info: it is the client's mistake."""
        status, error = refusal.status, str(refusal)
        self.metrics.request(route, status)
        line = self.log.line("refused", **fields, route=route, status=status, error=error)
        self.log.later(line)

    def drain(self) -> None:
        """Report not ready, so that requests go elsewhere; those that still come are answered."""
        self.draining = True
        self.unready = DRAINING

    def admit(self) -> Batcher:
        """Return the batcher.

        Raises Unavailable while the model loads, and when too many requests or rows are in flight.
        """
        if self.batcher is None:
            raise Unavailable(f"The model must be ready. Got: {self.unready}. Try again.")
        self.batcher.admit()
        return self.batcher


def load_checked(bundle: Bundle, threads: int) -> Predictor:
    """Return `open_predictor`'s predictor; raise what it raises."""
    from serve.inference.predictor import open_predictor

    return open_predictor(bundle, threads)


def tune_garbage_collection() -> None:
    """Freeze what start-up allocated, and collect less often: garbage collection costs latency."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
