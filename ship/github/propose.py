"""Propose a branch as a pull request: open one, or rewrite that which is open already."""

from __future__ import annotations

import os
from pathlib import Path

from ship.errors import StageError
from ship.files.bounded import read_file
from ship.github.api import ApiError, GitHub
from ship.github.step_files import add_summary
from ship.github.untrusted import LIMIT, bounded

BASE = "main"
FORBIDDEN = 403
NOTE = "The report is longer than a pull request may be: this is its beginning.\n\n"
FOOT = (
    "\n---\nThis branch is written anew when the data change again, so commit nothing to it. If "
    "its checks do not start, as for whatever a workflow proposes without an App: choose "
    "**Approve workflows to run**, or close and reopen this.\n"
)


def propose(github: GitHub, branch: str, title: str, file: Path) -> int:
    """Propose `branch` to main, with the text of a file in which nothing is active.

    Raises StageError where GitHub lets no workflow open a pull request; the summary then has a
    link by which a person can.
    """
    text = read_file(file).decode(errors="replace")
    body = bounded(text, NOTE, LIMIT - len(FOOT)) + FOOT
    content = {"title": title, "body": body}
    head = f"{github.owner}:{branch}"
    for pull in github.pages("pulls", state="open", head=head, base=BASE):
        github.send("PATCH", f"pulls/{pull['number']}", content)
        print(f"Pull request {pull['number']} is of today's data now.")
        return 0
    try:
        opened = github.send("POST", "pulls", {**content, "head": branch, "base": BASE})
    except ApiError as error:
        if error.status != FORBIDDEN:
            raise
        server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
        address = f"{server}/{github.repository}/compare/{BASE}...{branch}?expand=1"
        add_summary(f"[Open the pull request yourself]({address}).\n\n{body}")
        raise StageError(
            f"{branch} must become a pull request. Got instead from GitHub: {error.reason}. Allow "
            "it: Settings → Actions → General → Allow GitHub Actions to create and approve pull "
            f"requests (of the organisation, too); or set an App. Or open it yourself: {address}"
        ) from error
    print(f"Pull request {opened['number']} is open.")
    return 0
