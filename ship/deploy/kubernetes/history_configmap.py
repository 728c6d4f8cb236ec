"""The history of a namespace as a ConfigMap, beside the deployments that it describes."""

from __future__ import annotations

import json
from typing import Any, Protocol

from ship.deploy.history import Entry, decode, encode
from ship.errors import StageError

NAME, KEY = "model-images-history", "history.jsonl"
KEPT = 500  # lines, for a ConfigMap holds 1 MiB
ATTEMPTS = 5  # to add a line while others do


class Kubectl(Protocol):
    """A function that runs kubectl in the namespace and returns what it prints."""

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl with these arguments and return what it prints."""


def entries(kubectl: Kubectl) -> list[Entry]:
    """Return the history."""
    record = read(kubectl)
    return decode(record["data"][KEY].encode()) if record else []


def add(kubectl: Kubectl, entry: Entry) -> None:
    """Add a line; try again where another deploy changed the ConfigMap meanwhile."""
    for attempt in range(1, ATTEMPTS + 1):
        before = read(kubectl)
        record = before or new()
        lines = [*record["data"][KEY].encode().splitlines(keepends=True), encode(entry)]
        record["data"][KEY] = b"".join(lines[-KEPT:]).decode()
        try:
            kubectl("replace" if before else "create", "--filename=-", stdin=json.dumps(record))
        except StageError:
            if attempt == ATTEMPTS:
                raise
        else:
            return


def read(kubectl: Kubectl) -> dict[str, Any] | None:
    """Return the ConfigMap, None where there is none yet."""
    printed = kubectl("get", "configmap", NAME, "--ignore-not-found", "--output=json")
    record: dict[str, Any] | None = json.loads(printed) if printed else None
    return record


def new() -> dict[str, Any]:
    """Return an empty ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME}, "data": {KEY: ""}}
