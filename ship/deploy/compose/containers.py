"""Ask Docker about containers, and end them."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ship.errors import StageError

SETTLE_SECONDS = 45  # more than the router's worker_shutdown_timeout
LOG_LINES = 5


def docker(*arguments: str, folder: Path | None = None) -> str:
    command = ["docker", *arguments]
    result = subprocess.run(command, cwd=folder, capture_output=True, errors="replace", check=False)
    if result.returncode:
        said = (result.stderr.strip() or result.stdout.strip())[-600:]
        raise StageError(f"docker {' '.join(arguments[:3])} failed: {said}")
    return result.stdout


def inspect(containers: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(docker("inspect", *containers)) if containers else []
    return found


def stop(containers: list[str]) -> None:
    """End replicas as their host would: they drain, finish what is in flight, and are gone."""
    docker("stop", *containers)
    docker("rm", "--force", "--volumes", *containers)


def last_words(*containers: dict[str, Any]) -> str:
    """Return the end of the log of a replica that does not serve."""
    for each in containers:
        command = ["docker", "logs", f"--tail={LOG_LINES}", each["Id"]]
        said = subprocess.run(command, capture_output=True, errors="replace", check=False)
        return (said.stdout + said.stderr).strip()[-600:] or "it wrote no log"
    return "no replica was started"


def wait_until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise StageError(f"{what} did not come within {SETTLE_SECONDS} s")
        time.sleep(0.05)
