"""Who deployed what, when, and how it ended: one JSON object a line, only ever added to."""

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
    """One attempt: `serving` where the digest came to serve, else the one before it serves on.

    `stuck` is neither, and `removed` is the end of a digest that served.
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
    """Where a target keeps its entries."""

    def entries(self) -> list[Entry]: ...
    def add(self, entry: Entry) -> None: ...


def encode(entry: Entry) -> bytes:
    return msgspec.json.encode(entry) + b"\n"


def decode(lines: bytes) -> list[Entry]:
    return [msgspec.json.decode(line, type=Entry) for line in lines.splitlines() if line.strip()]


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def who() -> str:
    """Return who asks for it: the account on the forge, or the user of this machine."""
    return os.environ.get("GITHUB_ACTOR") or f"{getpass.getuser()}@{socket.gethostname()}"


def removal(model: str, digest: str) -> Entry:
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
    found: list[Entry] = []
    for entry in entries:
        if entry.model != model or entry.result != "serving":
            continue
        if entry.action == "rollback":
            while found and found[-1].digest != entry.digest:
                found.pop()
        elif not found or found[-1].digest != entry.digest:
            found.append(entry)
    return found
