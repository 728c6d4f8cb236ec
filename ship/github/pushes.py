"""Find out when a pull request's branch was last pushed to, by GitHub's own clock.

The author of a commit chooses its date, and a force push may bring an old commit back. GitHub's own
record is its "List repository activities", which a token with `contents: read` may read, and
anybody for a public repository: https://docs.github.com/en/rest/repos/repos
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from ship.github.api import ApiError, GitHub

NO_PUSH = "branch_deletion"  # every other activity lets the branch be another commit
ABSENT = (404, 422)  # what may be answered for a branch that was deleted
LIMIT = 1000  # activities of a whole repository to look through, where those of a branch are gone


@dataclass(frozen=True)
class Push:
    """The commit that a branch was moved to, and when."""

    sha: str
    at: datetime


def last_push(github: GitHub, pull: dict[str, Any]) -> Push | None:
    """Return the last push to a pull request's head, or the last before its merge."""
    merged = moment(pull["merged_at"]) if pull["merged_at"] else None
    for activity in activities(github, pull):
        push = Push(activity["after"], moment(activity["timestamp"]))
        if activity["activity_type"] != NO_PUSH and (merged is None or push.at <= merged):
            return push
    return None


def activities(github: GitHub, pull: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the activities of the head's branch, the newest first.

    Raises ApiError if they cannot be read.
    """
    path, ref = f"/repos/{pull['head']['repo']['full_name']}/activity", of_branch(pull)
    found = False
    try:
        for activity in github.pages(path, ref=ref, direction="desc"):
            found = True
            yield activity
    except ApiError as error:
        if not pull["merged_at"] or error.status not in ABSENT:
            raise
    if pull["merged_at"] and not found:  # the branch may have been deleted since
        everything = islice(github.pages(path, direction="desc"), LIMIT)
        yield from (activity for activity in everything if activity["ref"] == ref)


def of_branch(pull: dict[str, Any]) -> str:
    """Return the full ref of the head's branch."""
    return f"refs/heads/{pull['head']['ref']}"


def moment(text: str) -> datetime:
    """Return a time that GitHub's API wrote."""
    return datetime.fromisoformat(text)
