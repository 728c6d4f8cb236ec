"""Keep one issue open as long as published images have vulnerabilities that can be mended."""

from __future__ import annotations

import json
from typing import Any

from ship.github.api import BOT, GitHub, variable
from ship.github.untrusted import LIMIT, bounded, neutral

TITLE = "Published images have vulnerabilities that can be mended"
MARKER = "<!-- model-images: rescan -->\n"
INTRODUCTION = """\
Today's scan of the published images found the following. Each has a version that mends it:
`make lock UPGRADE=1` or a newer base image, then a release. This text is replaced by every scan,
and the issue is closed by the first one that finds nothing.

"""
NOTE = "There is more than an issue can hold. This is the beginning.\n\n"


def issue(github: GitHub) -> int:
    """Open, update or close the issue by the result of the scan.

    The job that scans ran other programs, so its text is not trusted.
    """
    scan = json.loads(variable("REPORT", "the output of the job that scans"))
    open_issue = ours(github)
    if scan["clean"]:
        print(close(github, open_issue))
        return 0
    page = bounded(neutral(scan["page"]), NOTE, LIMIT - len((MARKER + INTRODUCTION).encode()))
    body = MARKER + INTRODUCTION + page
    print(update(github, open_issue, body) if open_issue else write(github, body))
    return 0


def ours(github: GitHub) -> dict[str, Any] | None:
    """Return the open issue that an earlier scan wrote, None where there is none."""
    for candidate in github.pages("issues", state="open", creator=BOT, direction="asc"):
        if candidate["user"]["login"] == BOT and (candidate["body"] or "").startswith(MARKER):
            return dict(candidate)
    return None


def write(github: GitHub, body: str) -> str:
    """Open the issue, and return what was done."""
    written = github.send("POST", "issues", {"title": TITLE, "body": body})
    return f"Opened issue {written['number']}."


def update(github: GitHub, open_issue: dict[str, Any], body: str) -> str:
    """Replace the text, comment on what is new, which notifies followers, and say what was done."""
    number = open_issue["number"]
    github.send("PATCH", f"issues/{number}", {"body": body})
    before = findings(open_issue["body"])
    new = [line for line in findings(body) if line not in before]
    if not new:
        return f"Issue {number}: nothing new."
    told = bounded("\n".join(["New since the last scan:\n", *new, ""]), NOTE)
    github.send("POST", f"issues/{number}/comments", {"body": told})
    return f"Issue {number}: {len(new)} new."


def close(github: GitHub, open_issue: dict[str, Any] | None) -> str:
    """Close the issue if there is one, and return what was done."""
    if open_issue is None:
        return "Nothing to mend, and no issue to close."
    number = open_issue["number"]
    told = {"body": "Today's scan found nothing to mend."}
    github.send("POST", f"issues/{number}/comments", told)
    github.send("PATCH", f"issues/{number}", {"state": "closed", "state_reason": "completed"})
    return f"Closed issue {number}."


def findings(body: str) -> list[str]:
    """Return the lines of an issue that each name a vulnerability."""
    return [line for line in body.splitlines() if line.startswith("- ")]
