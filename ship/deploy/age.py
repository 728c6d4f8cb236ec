"""Refuse an image that is older than the one that serves, unless OLDER=yes says that it is meant.

The age of an image is the date of the last commit that shaped it. The digest covers that date, so
nobody who can only write to the registry can make an old image look new.
"""

from __future__ import annotations

import datetime as dt
from typing import Protocol

from ship.deploy.history import History
from ship.errors import ShipError, StageError
from ship.registry.destination import Destination
from ship.supply_chain.identity import created, parse_time
from ship.supply_chain.verify import Verified


class ServingTarget(History, Protocol):
    """A place where models serve, and what served is remembered."""

    def serving(self, model: str) -> str | None:
        """Return the digest that serves a model, None where none does."""


def refuse_older(
    target: ServingTarget, source: Destination, model: str, candidate: Verified
) -> None:
    """Check that an image is not older than what serves.

    Passes if nothing serves yet, or the same image, or one that is not newer. Raises StageError
    for an older image, and if either date is unknown.
    """
    serving = target.serving(model)
    if serving is None or serving == candidate.digest:
        return
    new, old = candidate.identity.created, known(target, source, serving)
    meant = f"If this is meant, say so: make deploy MODEL={model} TAG=… OLDER=yes"
    if new is None or old is None:
        unknown = candidate.digest if new is None else serving or "an image without a digest"
        raise StageError(
            f"{candidate.digest} must be as new as what serves, {serving}. When {unknown} was made "
            f"is not known here: neither the history nor {source} has its date. {meant}"
        )
    if new < old:
        raise StageError(
            f"{candidate.digest} must be as new as what serves, {serving}, which was made "
            f"{time_of(old)}. It was made {time_of(new)} instead. {meant}; or go back: "
            f"make rollback MODEL={model}"
        )


def known(target: History, source: Destination, digest: str) -> dt.datetime | None:
    """Return when an image was made, None if unknown.

    The history is asked first, as it still knows images that were deleted.
    """
    recorded = [parse_time(entry.created) for entry in target.entries() if entry.digest == digest]
    if date := next(filter(None, recorded), None):
        return date
    try:
        return created(source, digest)
    except (ShipError, OSError, KeyError, ValueError):
        return None


def time_of(when: dt.datetime) -> str:
    """Return a time for a message."""
    return f"{when.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def written(when: dt.datetime | None) -> str:
    """Return a time as ISO 8601, "" for none."""
    return when.isoformat() if when else ""
