"""Read the metrics of replicas, in the Prometheus text exposition format 0.0.4."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

SAMPLE = re.compile(r"(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
PREDICTING = ("predict", "/invocations", "/infer")  # ends of the paths that predict


@dataclass(frozen=True)
class Counts:
    """Requests for predictions, those that failed, and how many took at most so many seconds."""

    requests: float = 0
    errors: float = 0
    buckets: dict[float, float] = field(default_factory=dict)

    @property
    def error_share(self) -> float:
        """The share of requests that failed, from 0 to 1."""
        return self.errors / self.requests if self.requests else 0.0

    def quantile(self, share: float) -> float:
        """Return the seconds that `share` of the predictions took at most.

        Interpolated within a bucket, as Prometheus' histogram_quantile does.
        """
        bounds = sorted(self.buckets)
        wanted = share * self.buckets[math.inf] if bounds else 0
        lower, below = 0.0, 0.0
        for bound in bounds:
            if self.buckets[bound] >= wanted > 0:
                within = (wanted - below) / (self.buckets[bound] - below)
                return lower if math.isinf(bound) else lower + (bound - lower) * within
            lower, below = bound, self.buckets[bound]
        return 0.0

    def since(self, earlier: Counts) -> Counts:
        """Return what was counted since `earlier`; nothing where a replica started again."""
        buckets = {le: max(0, n - earlier.buckets.get(le, 0)) for le, n in self.buckets.items()}
        requests = max(0, self.requests - earlier.requests)
        return Counts(requests, max(0, self.errors - earlier.errors), buckets)

    def __str__(self) -> str:
        return (
            f"{self.requests:.0f} requests, {self.errors:.0f} failed, "
            f"95 % within {self.quantile(0.95) * 1000:.1f} ms"
        )


def parse(texts: Iterable[str]) -> Counts:
    """Return the sums of what several replicas print at /metrics."""
    requests = errors = 0.0
    buckets: dict[float, float] = {}
    for line in "\n".join(texts).split("\n"):  # a label may hold any other end of a line
        sample = SAMPLE.fullmatch(line)
        if not sample:
            continue
        labels, value = dict(LABEL.findall(sample["labels"] or "")), float(sample["value"])
        if sample["name"] == "http_requests_total" and labels["route"].endswith(PREDICTING):
            requests += value
            errors += value if labels["status"].startswith("5") else 0
        elif sample["name"] == "prediction_seconds_bucket":
            bound = float(labels["le"])
            buckets[bound] = buckets.get(bound, 0) + value
    return Counts(requests, errors, buckets)
