"""Find out whether a person accepts a drop, by the label on the pull request of a run.

The label counts only if it was set after the last push, by GitHub's own clock: whoever set it has
then seen what is accepted. The author of a commit chooses its date, and a force push may bring an
old commit back. GitHub's own record is its "List repository activities", which a token with
`contents: read` may read, and anybody for a public repository:
https://docs.github.com/en/rest/repos/repos
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from ship.errors import ShipError
from ship.github.api import ApiError, GitHub, event
from ship.github.step_files import tell_outputs

LABEL = "accept-drop"
QUEUED = re.compile(r"gh-readonly-queue/.+/pr-(\d+)-")
NO_PUSH = "branch_deletion"  # every other activity lets the branch be another commit
ABSENT = (404, 422)  # what may be answered for a branch that was deleted
LIMIT = 1000  # activities of a whole repository to look through, where those of a branch are gone


def override() -> int:
    """Set the reason as an output of the step, "" where no label counts.

    Outside GitHub there is no token, and nobody is asked.
    """
    accepted_by = (
        reason(GitHub.from_environment(), event()) if os.environ.get("GITHUB_TOKEN") else ""
    )
    tell_outputs(override=accepted_by)
    return 0


def reason(github: GitHub, event: dict[str, Any]) -> str:
    """Return who accepts the drop, "" for nobody; print on stderr why a label does not count."""
    number = pull_request(github, event)
    if number is None:
        return ""
    labels = {label["name"] for label in github.pages(f"issues/{number}/labels")}
    if LABEL not in labels:
        return ""
    label, description = last_label(github, number), f"label {LABEL} set on pull request #{number}"
    if fault := stale(github, number, label, event):
        print(f"override: the {description} does not count: {fault}", file=sys.stderr)
        return ""
    return f"{description} by {(label['actor'] or {}).get('login', 'somebody')}"


def pull_request(github: GitHub, event: dict[str, Any]) -> int | None:
    """Return the number of the pull request that is tested, queued, or was merged by a push."""
    if "pull_request" in event:
        return int(event["pull_request"]["number"])
    if match := QUEUED.search(event.get("merge_group", {}).get("head_ref", "")):
        return int(match[1])
    sha = os.environ.get("GITHUB_SHA", "")
    merged = [
        pull["number"]
        for pull in github.pages(f"commits/{sha}/pulls")
        if pull.get("merged_at") and pull["merge_commit_sha"] == sha
    ]
    return int(merged[0]) if merged else None


def last_label(github: GitHub, number: int) -> dict[str, Any]:
    """Return the event that set the label last, {} where none is known."""
    events = (
        event
        for event in github.pages(f"issues/{number}/events")
        if event["event"] == "labeled" and event["label"]["name"] == LABEL
    )
    return max(events, key=lambda event: moment(event["created_at"]), default={})


def stale(github: GitHub, number: int, label: dict[str, Any], event: dict[str, Any]) -> str:
    """Return why the label does not count for the commit of this run, "" where it does."""
    if not label:
        return "GitHub does not tell when it was set"
    try:
        pull = github.get(f"pulls/{number}")
        if pull["head"]["repo"] is None:
            return "the repository that the pull request comes from is gone"
        push = last_push(github, pull)
    except ShipError as error:
        return f"the pushes to its branch cannot be read: {str(error).splitlines()[0]}"
    head = event.get("pull_request", pull)["head"]["sha"]
    if push is None or push.sha != head:
        return f"GitHub does not list the push of {head[:12]} as the last to its branch"
    if moment(label["created_at"]) <= push.at:
        return f"the branch was pushed to at {push.at:%Y-%m-%d %H:%M:%S}; set the label again"
    return ""


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
    any_yet = False
    try:
        for activity in github.pages(path, ref=ref, direction="desc"):
            any_yet = True
            yield activity
    except ApiError as error:
        if not pull["merged_at"] or error.status not in ABSENT:
            raise
    if pull["merged_at"] and not any_yet:  # the branch may have been deleted since
        everything = islice(github.pages(path, direction="desc"), LIMIT)
        yield from (activity for activity in everything if activity["ref"] == ref)


def of_branch(pull: dict[str, Any]) -> str:
    """Return the full ref of the head's branch."""
    return f"refs/heads/{pull['head']['ref']}"


def moment(text: str) -> datetime:
    """Return a time that GitHub's API wrote."""
    return datetime.fromisoformat(text)
