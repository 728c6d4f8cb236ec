"""When a candidate is promoted, and why it is withdrawn."""

from __future__ import annotations

import math

import pytest

from ship.deploy.canary import Trial, fault
from ship.deploy.replica_metrics import Counts, parse
from ship.errors import StageError

METRICS = """\
# TYPE http_requests_total counter
http_requests_total{route="/predict",status="200"} 97
http_requests_total{route="/v2/models/iris/infer",status="503"} 3
http_requests_total{route="/ready",status="503"} 40
prediction_seconds_bucket{le="0.001"} 0
prediction_seconds_bucket{le="0.002"} 90
prediction_seconds_bucket{le="0.01"} 100
prediction_seconds_bucket{le="+Inf"} 100
"""


def counts(requests: float, errors: float = 0, bound: float = 0.001) -> Counts:
    """Return counts of requests that all took at most `bound` seconds."""
    return Counts(requests, errors, {bound: requests, math.inf: requests})


def test_counts_add_up_replicas_and_leave_out_probes() -> None:
    """The counts of two replicas add up, and failed probes are not counted."""
    total = parse([METRICS, METRICS])
    assert (total.requests, total.errors) == (200, 6)
    assert total.quantile(0.95) == pytest.approx(0.006)


@pytest.mark.parametrize("end", ["\r", "\x85", "\u2028", "\x1c"])
def test_counts_are_of_series_and_not_of_what_a_label_holds(end: str) -> None:
    """A column that is called like a line of the metrics counts no request."""
    forged = f'{end}http_requests_total{{route="/predict",status="500"}} 1000{end}'
    label = forged.replace('"', '\\"')
    assert parse([METRICS, f'feature_missing_total{{feature="{label}"}} 1\n']) == parse([METRICS])


def test_counts_since_are_what_came_in_between() -> None:
    """Counts from before the trial are subtracted."""
    since = parse([METRICS]).since(parse([METRICS]))
    assert (since.requests, since.errors, since.quantile(0.95)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (counts(100), ""),
        (counts(100, errors=1), ""),
        (counts(100, errors=2), "fails more often"),
        (counts(100, bound=0.1), "is slower"),
        (counts(49), "50 are needed"),
    ],
)
def test_fault_names_what_is_worse(candidate: Counts, reason: str) -> None:
    """More errors, slower answers and too few requests each keep a candidate from promotion."""
    problem = fault(counts(1000), candidate, over=True)
    assert bool(problem) == bool(reason)
    assert reason in problem


def test_fault_waits_for_requests_until_the_time_is_over() -> None:
    """A candidate that has had few requests so far is neither good nor bad."""
    assert fault(counts(1000), counts(10), over=False) == ""


def test_watch_ends_as_soon_as_the_candidate_is_worse() -> None:
    """A candidate that fails is not kept for the rest of its time."""
    looks = iter([counts(0), counts(1000, errors=500)])
    with pytest.raises(StageError, match="the candidate was withdrawn: it fails more often"):
        Trial(share=10, seconds=2).watch(lambda: (counts(0), next(looks)))
