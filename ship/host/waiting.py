"""Wait until a condition holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ship.errors import StageError

LONGEST = 600  # characters of the last value, in a message
Seen = TypeVar("Seen")


def wait_for(  # noqa: PLR0913 - a wait is what it looks at, what ends it, and how long it takes
    look: Callable[[], Seen],
    is_done: Callable[[Seen], bool],
    what: str,
    seconds: float,
    *,
    interval: float = 0.1,
    describe: Callable[[Seen], str] = str,
) -> Seen:
    """Look every `interval` seconds until `is_done` of what is seen, and return that.

    Raises StageError after `seconds`: "`what` within … s. Got … instead.", with the last value as
    `describe` puts it.
    """
    deadline = time.monotonic() + seconds
    while not is_done(seen := look()):
        if time.monotonic() > deadline:
            raise StageError(
                f"{what} within {seconds:g} s. Got {describe(seen)[:LONGEST]} instead."
            )
        time.sleep(interval)
    return seen
