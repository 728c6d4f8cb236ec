"""The server's counters, in one array that costs nanoseconds to add to.

prometheus_client takes about as long to count a request as onnxruntime takes to answer it, and adds
up worker processes through files. Here every worker owns one row of an array that all processes
map; the text for Prometheus is the sum of the rows.
"""

from __future__ import annotations

import mmap
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from contract.bundle import Manifest, Outcome
    from serve.inference.scores import Scores
    from serve.monitoring.drift import UnseenValues

STATUSES = (200, 400, 404, 405, 408, 413, 415, 422, 431, 500, 503)
SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
PAGE = mmap.PAGESIZE // 8  # cells; no two workers share one, and it costs nothing until it is used


class Family(NamedTuple):
    """A metric: its series are neighbours in the array, from `start`, one for each of `labels`."""

    name: str
    kind: str
    help: str
    labels: list[str]
    start: int


class Metrics:
    """The counters of one worker, and the text with the sums of all workers."""

    def __init__(self, manifest: Manifest, routes: Sequence[str], workers: int = 1) -> None:
        self.manifest = manifest
        self.workers = workers
        self.families: list[Family] = []
        once = dict.fromkeys([*routes, "other"])  # AIP_HEALTH_ROUTE may be one of the paths
        self.routes = {route: index for index, route in enumerate(once)}
        self.define()
        self.row = -(-self.size // PAGE) * PAGE  # cells of a worker
        self.shared = mmap.mmap(-1, workers * self.row * 8)
        self.use(0)

    def use(self, worker: int) -> None:
        """Count in the row of this worker from now on."""
        self.started = time.time()
        everything = memoryview(self.shared).cast("d")
        self.cells = everything[worker * self.row : (worker + 1) * self.row]
        self.cells[self.in_flight] = 0  # a worker that died may have left a number

    def define(self) -> None:
        """Define every metric, each with a place in the array."""
        inputs = self.manifest.inputs
        features = [f'feature="{escape(field.name)}"' for field in inputs]
        self.requests = self.add(
            "http_requests_total",
            "counter",
            "Requests by route and status.",
            [f'route="{route}",status="{code}"' for route in self.routes for code in STATUSES],
        )
        self.seconds = self.add(
            "prediction_seconds",
            "histogram",
            "Time from a request's first byte to its answer.",
            [*(f'le="{bound}"' for bound in SECONDS), 'le="+Inf"', "sum"],
        )
        self.rows = self.add("prediction_rows_total", "counter", "Rows predicted.", [""])
        self.predictions = self.add(
            "predictions_total",
            "counter",
            "Rows by predicted class.",
            [f'class="{escape(str(label))}"' for label in self.manifest.classes or []],
        )
        self.out_of_range = self.add(
            "feature_out_of_range_total",
            "counter",
            "Values outside the range of the training rows.",
            features,
        )
        self.unknown = self.add(
            "feature_unknown_category_total",
            "counter",
            "Values that are no category of the training rows.",
            features,
        )
        self.missing = self.add("feature_missing_total", "counter", "Missing values.", features)
        self.in_flight = self.add("predictions_in_flight", "gauge", "Requests not answered.", [""])
        self.classes: dict[Outcome, int] = {
            label: index for index, label in enumerate(self.manifest.classes or [])
        }

    def add(self, name: str, kind: str, words: str, labels: list[str]) -> int:
        """Define a metric with a series for each of `labels`; return where its series begin."""
        start = self.size
        self.families.append(Family(name, kind, words, labels, start))
        return start

    @property
    def size(self) -> int:
        """The number of series so far."""
        return sum(len(family.labels) for family in self.families)

    def request(self, route: str, status: int) -> None:
        """Count a request; a path that is no route counts as "other", an unlisted status as 500."""
        number = self.routes.get(route, len(self.routes) - 1)
        column = STATUSES.index(status) if status in STATUSES else STATUSES.index(500)
        self.cells[self.requests + number * len(STATUSES) + column] += 1

    def prediction(self, route: str, seconds: float) -> None:
        """Count a prediction request that was answered with 200 after `seconds`."""
        cells = self.cells
        cells[self.requests + self.routes[route] * len(STATUSES)] += 1  # 200 is the first status
        cells[self.seconds + bisect_left(SECONDS, seconds)] += 1
        cells[self.seconds + len(SECONDS) + 1] += seconds

    def batch(self, scores: Scores, surprises: UnseenValues, in_flight: int) -> None:
        """Count the rows of a batch, their classes, and the values that training did not see."""
        self.cells[self.in_flight] = in_flight
        self.cells[self.rows] += len(scores.labels)
        for label, count in self.counts(scores) if self.classes else ():
            self.cells[self.predictions + self.classes[label]] += count
        starts = (self.out_of_range, self.unknown, self.missing)
        for start, counts in zip(starts, surprises, strict=True):
            for feature, count in counts:
                self.cells[start + feature] += count

    def counts(self, scores: Scores) -> Iterable[tuple[Outcome, int]]:
        """Return how many rows are of each class or, of several labels, have each of them."""
        if len(self.manifest.targets) == 1:
            return Counter(scores.labels).items()
        return zip(self.classes, map(sum, zip(*scores.by_target, strict=True)), strict=True)

    def text(self, *, ready: bool, in_flight: int) -> str:
        """Return every series in the Prometheus text exposition format 0.0.4."""
        self.cells[self.in_flight] = in_flight
        return "\n".join([*self.lines(), *self.process_lines(ready=ready), ""])

    def lines(self) -> Iterator[str]:
        """Yield the lines of the counters, summed over the workers.

        A pair of route and status that never occurred is left out.
        """
        everything = memoryview(self.shared).cast("d")
        for family in self.families:
            if family.labels:
                yield f"# HELP {family.name} {family.help}"
                yield f"# TYPE {family.name} {family.kind}"
            values = [
                sum(everything[family.start + offset :: self.row])
                for offset in range(len(family.labels))
            ]
            if family.kind == "histogram":
                yield from histogram_lines(family, values)
                continue
            for labels, value in zip(family.labels, values, strict=True):
                if value or family.start != self.requests:
                    yield sample(family.name, labels, value)

    def process_lines(self, *, ready: bool) -> Iterator[str]:
        """Yield the lines of the model and of the worker that answers."""
        manifest = self.manifest
        labels = {
            "name": manifest.name,
            "version": manifest.version,
            "revision": manifest.revision,
            "runtime": manifest.runtime,
        }
        info = ",".join(f'{key}="{escape(value)}"' for key, value in labels.items())
        yield from gauge("model_info", "The model that is served.", 1, info)
        yield from gauge("model_ready", "1 when the golden examples were answered.", ready)
        yield from gauge("process_start_time_seconds", "Start of this worker.", self.started)
        yield from gauge("process_resident_memory_bytes", "Of this worker.", resident_bytes())


def histogram_lines(family: Family, values: list[float]) -> Iterator[str]:
    """Yield a histogram's cumulative buckets, sum and count."""
    *counts, total = values
    running = 0.0
    for labels, count in zip(family.labels, counts, strict=False):
        running += count
        yield sample(f"{family.name}_bucket", labels, running)
    yield sample(f"{family.name}_sum", "", total)
    yield sample(f"{family.name}_count", "", running)


def gauge(name: str, words: str, value: float, labels: str = "") -> list[str]:
    """Return the lines of a gauge with one series."""
    return [f"# HELP {name} {words}", f"# TYPE {name} gauge", sample(name, labels, value)]


def sample(name: str, labels: str, value: float) -> str:
    """Return the line of one series."""
    number = int(value) if float(value).is_integer() else value
    return f"{name}{{{labels}}} {number}" if labels else f"{name} {number}"


def escape(text: str) -> str:
    """Return the value of a label, escaped as the exposition format says."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def resident_bytes() -> int:
    """Return the resident memory of this process in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * mmap.PAGESIZE
