"""Keep one issue open as long as published images have vulnerabilities that can be mended.

Where the repository has no issues, as a fork at first, the run itself is red for as long: GitHub
tells whoever wrote the schedule, and the summary holds what an issue would.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from contract.console import one_line
from ship.errors import ShipError, StageError
from ship.github.api import BOT, ApiError, GitHub, variable
from ship.github.step_files import add_summary
from ship.github.untrusted import LIMIT, bounded, neutral

TITLE = "Published images have vulnerabilities that can be mended"
MARKER = "<!-- model-images: rescan "
REPORTED = re.compile(re.escape(MARKER) + r"(?P<fingerprints>\[.*?\]) -->")
MOST = 1000  # findings whose fingerprints an issue keeps: 20,000 of its characters
INTRODUCTION = """\
Today's scan of the published images found the following. Each has a version that mends it:
`make lock UPGRADE=1` or a newer base image, then a release. This text is replaced by every scan,
and the issue is closed by the first one that finds nothing.

"""
DISABLED = 410  # the status of answers about issues where they are switched off
NOTE = "There is more than an issue can hold. This is the beginning.\n\n"


@dataclass(frozen=True)
class ScanResult:
    """What the job that scans found: a table of the images, and a line for each finding.

    That job ran other programs, so its text is untrusted; here it is already escaped.
    """

    table: str
    findings: list[str]

    @classmethod
    def decode(cls, text: str) -> ScanResult:
        """Return the output of the job; raise ShipError if it is not what `rescan` writes."""
        try:
            content = json.loads(text)
            (table,), findings = strings([content["table"]]), strings(content["findings"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ShipError(
                'REPORT must be JSON with a "table" and a list of "findings", as make rescan '
                f"writes it. Got {text[:100]!a} instead."
            ) from None
        return cls(neutral(table), [neutral(one_line(finding)) for finding in findings])


def issue(github: GitHub) -> int:
    """Open, update or close the issue by the result of the scan.

    Raises ShipError if the result is not what the job that scans writes, and StageError for
    findings of which no issue can tell.
    """
    scan = ScanResult.decode(variable("REPORT", "the output of the job that scans"))
    try:
        print(keep(github, scan))
    except ApiError as error:
        if error.status != DISABLED:
            raise
        tell_without_issues(scan)
    return 0


def keep(github: GitHub, scan: ScanResult) -> str:
    """Open, update or close the issue, and return what was done."""
    open_issue = ours(github)
    if not scan.findings:
        return close(github, open_issue)
    return update(github, open_issue, scan) if open_issue else write(github, render(scan))


def tell_without_issues(scan: ScanResult) -> None:
    """Tell of the findings in the summary of the run; raise StageError if there are any."""
    if scan.findings:
        add_summary(details(scan))
        raise StageError(
            f"Published images must have nothing to mend. Got {len(scan.findings)} findings: see "
            "the summary of this run, as this repository has no issues. Mend them: make lock "
            "UPGRADE=1, then a release. To be told by an issue: Settings → General → Features."
        )
    print("Nothing to mend. This repository has no issues: a finding would turn this run red.")


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


def update(github: GitHub, open_issue: dict[str, Any], scan: ScanResult) -> str:
    """Replace the text, comment on what is new, which notifies followers, and say what was done."""
    number = open_issue["number"]
    github.send("PATCH", f"issues/{number}", {"body": render(scan)})
    before = reported(open_issue["body"])
    new = [f"- {finding}" for finding in scan.findings[:MOST] if fingerprint(finding) not in before]
    if not new:
        return f"Issue {number}: nothing new."
    text = bounded("\n".join(["New since the last scan:\n", *new, ""]), NOTE)
    github.send("POST", f"issues/{number}/comments", {"body": text})
    return f"Issue {number}: {len(new)} new."


def close(github: GitHub, open_issue: dict[str, Any] | None) -> str:
    """Close the issue if there is one, and return what was done."""
    if open_issue is None:
        return "Nothing to mend, and no issue to close."
    number = open_issue["number"]
    text = "Today's scan found nothing to mend."
    github.send("POST", f"issues/{number}/comments", {"body": text})
    github.send("PATCH", f"issues/{number}", {"state": "closed", "state_reason": "completed"})
    return f"Closed issue {number}."


def render(scan: ScanResult) -> str:
    """Return the text of the issue, which begins with the hidden fingerprints of its findings."""
    fingerprints = [fingerprint(finding) for finding in scan.findings[:MOST]]
    head = f"{MARKER}{json.dumps(fingerprints)} -->\n{INTRODUCTION}"
    return head + bounded(details(scan), NOTE, LIMIT - len(head.encode()))


def details(scan: ScanResult) -> str:
    """Return the table and a line for each finding."""
    return "\n".join([scan.table, "", *(f"- {finding}" for finding in scan.findings), ""])


def reported(body: str) -> set[str]:
    """Return the fingerprints of the findings in an issue; none if somebody has broken them."""
    kept = REPORTED.match(body)
    try:
        return set(strings(json.loads(kept["fingerprints"]))) if kept else set()
    except (ValueError, TypeError, RecursionError):
        return set()


def fingerprint(finding: str) -> str:
    """Return a hash that identifies a finding and reveals nothing of its text."""
    return hashlib.sha256(finding.encode()).hexdigest()[:16]


def strings(value: Any) -> list[str]:
    """Return a list of strings from JSON; raise TypeError if it is anything else."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError
    return value
