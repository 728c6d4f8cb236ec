"""The gate of ci.yml: green only where every job passed, or was skipped and may be."""

from __future__ import annotations

import json
import os

from ship.errors import StageError


def gate() -> int:
    """Hold the results of all jobs (RESULTS, GitHub's `needs`) against the names in MAY_SKIP."""
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
    return result == "success" or (result == "skipped" and may_skip)
