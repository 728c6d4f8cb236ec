"""Whether an image is older than the one that serves, which takes a word more to deploy.

Its date is that of the last commit that shaped it. The digest covers it, so nobody who may only
write to the registry can make an old image look new.
"""

from __future__ import annotations

import datetime as dt
from typing import Protocol

from ship.deploy.history import History
from ship.errors import ShipError, StageError
from ship.registry.destination import Destination
from ship.supply_chain.identity import created, parse_time
from ship.supply_chain.verify import Verified


class Serving(History, Protocol):
    """Where something serves, and what served is remembered."""

    def serving(self, model: str) -> str | None: ...


def refuse_older(target: Serving, source: Destination, model: str, asked: Verified) -> None:
    """Raise StageError for an image that is, or may be, older than what serves.

    Where nothing serves, or the same image, or one of the same date, nothing is older.
    """
    serving = target.serving(model)
    if serving is None or serving == asked.digest:
        return
    new, old = asked.identity.created, known(target, source, serving)
    meant = f"If this is meant, say so: make deploy MODEL={model} TAG=… OLDER=yes"
    if new is None or old is None:
        unknown = asked.digest if new is None else serving or "an image without a digest"
        raise StageError(
            f"{asked.digest} must be as new as what serves, {serving}. When {unknown} was made is "
            f"not known here: neither the history nor {source} has its date. {meant}"
        )
    if new < old:
        raise StageError(
            f"{asked.digest} must be as new as what serves, {serving}, which was made {told(old)}. "
            f"It was made {told(new)} instead. {meant}; or go back: make rollback MODEL={model}"
        )


def known(target: History, source: Destination, digest: str) -> dt.datetime | None:
    """Return when what serves was made: by the history, which forgets no image that was deleted."""
    recorded = [parse_time(entry.created) for entry in target.entries() if entry.digest == digest]
    if found := next(filter(None, recorded), None):
        return found
    try:
        return created(source, digest)
    except (ShipError, OSError, KeyError, ValueError):
        return None


def told(when: dt.datetime) -> str:
    return f"{when.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def written(when: dt.datetime | None) -> str:
    return when.isoformat() if when else ""
