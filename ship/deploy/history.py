"""The history of a target: who deployed what, when, and how it ended, as JSON Lines."""

from __future__ import annotations

import datetime as dt
import getpass
import os
import socket
from collections.abc import Iterable
from typing import Literal, Protocol

import msgspec

Action = Literal["deploy", "rollback", "canary", "undeploy"]
Result = Literal["serving", "refused", "undone", "stuck", "removed"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to deploy, and its result.

    `serving`: the digest serves. `refused` and `undone`: the previous one serves on. `stuck`:
    neither is certain. `removed`: a digest that served was stopped.
    """

    when: str
    who: str
    action: Action
    model: str
    digest: str
    previous: str | None
    result: Result
    verified: str = ""
    reason: str = ""
    seconds: float = 0.0
    created: str = ""  # when the image was made, as it says itself


class History(Protocol):
    """The entries of a target."""

    def entries(self) -> list[Entry]:
        """Return all entries, the oldest first."""

    def add(self, entry: Entry) -> None:
        """Add an entry; none is ever changed."""


def encode(entry: Entry) -> bytes:
    """Return an entry as a line."""
    return msgspec.json.encode(entry) + b"\n"


def decode(lines: bytes) -> list[Entry]:
    """Return the entries of lines."""
    return [msgspec.json.decode(line, type=Entry) for line in lines.splitlines() if line.strip()]


def now() -> str:
    """Return the time as ISO 8601 in UTC."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def who() -> str:
    """Return who deploys: the account on GitHub, or the user and name of this machine."""
    return os.environ.get("GITHUB_ACTOR") or f"{getpass.getuser()}@{socket.gethostname()}"


def removal(model: str, digest: str) -> Entry:
    """Return the entry of a model that was stopped."""
    return Entry(
        when=now(),
        who=who(),
        action="undeploy",
        model=model,
        digest=digest,
        previous=digest,
        result="removed",
    )


def stack(entries: Iterable[Entry], model: str) -> list[Entry]:
    """Return what a model came to serve, each on top of what it would roll back to."""
    served: list[Entry] = []
    for entry in entries:
        if entry.model != model or entry.result != "serving":
            continue
        if entry.action == "rollback":
            while served and served[-1].digest != entry.digest:
                served.pop()
        elif not served or served[-1].digest != entry.digest:
            served.append(entry)
    return served
