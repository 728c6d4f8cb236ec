"""The required jobs of a run: each has passed, or was skipped and may be."""

from __future__ import annotations

import json
import os

from ship.errors import StageError


def require_jobs() -> int:
    """Check the results of all jobs (RESULTS, GitHub's `needs`); those in MAY_SKIP may be skipped.

    Raises StageError if a job did not pass, or MAY_SKIP names one that does not exist.
    """
    results = {name: job["result"] for name, job in json.loads(os.environ["RESULTS"]).items()}
    may_skip = os.environ.get("MAY_SKIP", "").split()
    if unknown := set(may_skip) - results.keys():
        raise StageError(f"MAY_SKIP must name jobs. Got {', '.join(sorted(unknown))} instead.")
    for name, result in results.items():
        print(f"{name}: {result}")
    red = [name for name, result in results.items() if not passed(result, name in may_skip)]
    if red:
        raise StageError(f"Every job must pass. {', '.join(red)} did not; open its log.")
    return 0


def passed(result: str, may_skip: bool) -> bool:  # noqa: FBT001 - one answer about one job
    """Return whether the result of a job lets the run pass."""
    return result == "success" or (result == "skipped" and may_skip)
