"""Whether a person accepts a drop: the label on the pull request that a run belongs to."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from ship.github.api import GitHub, variable

LABEL = "accept-drop"
QUEUED = re.compile(r"gh-readonly-queue/.+/pr-(\d+)-")


def override() -> int:
    """Print the reason as an output of the step; empty where no pull request carries the label.

    Outside GitHub there is no token, and nobody to ask.
    """
    if not os.environ.get("GITHUB_TOKEN"):
        print("override=")
        return 0
    github = GitHub.from_environment()
    event = json.loads(Path(variable("GITHUB_EVENT_PATH", "the event's file")).read_bytes())
    print(f"override={reason(github, event)}")
    return 0


def reason(github: GitHub, event: dict[str, Any]) -> str:
    number = pull_request(github, event)
    if number is None:
        return ""
    labels = {label["name"] for label in github.pages(f"issues/{number}/labels")}
    if LABEL not in labels:
        return ""
    return f"label {LABEL} set on pull request #{number} by {who(github, number)}"


def pull_request(github: GitHub, event: dict[str, Any]) -> int | None:
    """Return the number of the pull request that is tested, queued, or was merged by a push."""
    if "pull_request" in event:
        return int(event["pull_request"]["number"])
    if found := QUEUED.search(event.get("merge_group", {}).get("head_ref", "")):
        return int(found[1])
    sha = os.environ.get("GITHUB_SHA", "")
    merged = [each for each in github.pages(f"commits/{sha}/pulls") if each.get("merged_at")]
    return int(merged[0]["number"]) if merged else None


def who(github: GitHub, number: int) -> str:
    """Return who set the label last."""
    set_by = [
        event["actor"]["login"]
        for event in github.pages(f"issues/{number}/events")
        if event["event"] == "labeled" and event["label"]["name"] == LABEL
    ]
    return str(set_by[-1]) if set_by else "somebody"
