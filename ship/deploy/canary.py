"""Send a share of the requests to a candidate, compare it with what serves, and decide."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ship.deploy.replica_metrics import Counts
from ship.errors import StageError

ENOUGH = 50  # requests, below which nothing is said about a candidate
MORE_ERRORS = 0.01  # by which a candidate's share of failed requests may exceed what serves
SLOWER, SLOWER_SECONDS = 2.0, 0.005  # its 95th percentile may exceed either limit, but not both
LOOKS = 20  # comparisons in a trial

Read = Callable[[], tuple[Counts, Counts]]  # of what serves, and of the candidate


@dataclass(frozen=True)
class Trial:
    """The trial of a candidate, which gets `share` percent of the requests for `seconds`."""

    share: int
    seconds: float

    def watch(self, read: Read) -> None:
        """Compare the counts LOOKS times.

        Raises StageError as soon as the candidate is the worse one.
        """
        start = read()
        end = time.monotonic() + self.seconds
        while True:
            time.sleep(self.seconds / LOOKS)
            serving, candidate = (now.since(then) for now, then in zip(read(), start, strict=True))
            over = time.monotonic() >= end
            if reason := fault(serving, candidate, over=over):
                raise StageError(f"the candidate was withdrawn: {reason}")
            if over:
                print(f"  what serves: {serving}\n  candidate:   {candidate}", flush=True)
                return


def fault(serving: Counts, candidate: Counts, *, over: bool) -> str:
    """Return why a candidate must not be promoted, "" where nothing is wrong.

    `over` says whether the trial has ended, so that too few requests are a fault.
    """
    if candidate.requests < ENOUGH:
        return (
            f"it got {candidate.requests:.0f} requests, and {ENOUGH} are needed to judge it. "
            "Wait longer (CANARY_SECONDS) or send it more (CANARY_SHARE)"
            if over
            else ""
        )
    if candidate.error_share > serving.error_share + MORE_ERRORS:
        return f"it fails more often ({candidate}) than what serves ({serving})"
    slow, usual = candidate.quantile(0.95), serving.quantile(0.95)
    if slow > usual * SLOWER and slow > usual + SLOWER_SECONDS:
        return f"it is slower ({candidate}) than what serves ({serving})"
    return ""
