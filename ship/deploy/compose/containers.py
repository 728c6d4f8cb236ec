"""Inspect and stop containers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ship import command

LOG_LINES = 5


def docker(*arguments: str, folder: Path | None = None) -> str:
    """Run docker in `folder` and return what it prints; raise StageError if it fails."""
    return command.run("docker", *arguments, folder=folder)


def inspect(containers: list[str]) -> list[dict[str, Any]]:
    """Return what Docker knows about containers."""
    described: list[dict[str, Any]] = (
        json.loads(docker("inspect", *containers)) if containers else []
    )
    return described


def stop(containers: list[str]) -> None:
    """Stop and remove replicas; they drain first, and finish the requests in flight."""
    docker("stop", *containers)
    docker("rm", "--force", "--volumes", *containers)


def last_words(*containers: dict[str, Any]) -> str:
    """Return the end of the log of the first container, or that there is none."""
    for container in containers:
        logs = command.attempt("docker", "logs", f"--tail={LOG_LINES}", container["Id"])
        return (logs.stdout + logs.stderr).strip()[-600:] or "it wrote no log"
    return "no replica was started"
