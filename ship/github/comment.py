"""Post the report of a pull request's run as one comment, which later runs replace.

The run may be a fork's, so what it wrote is not trusted. GitHub, and not the report, says which
pull request it belongs to. The report is handled as text, and nothing of it is written to disk.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from typing import Any

from ship.errors import ShipError
from ship.github.api import BOT, GitHub, event
from ship.github.untrusted import LIMIT, bounded, neutral

ARTIFACT, MEMBER = "report", "summary.md"
ZIP_LIMIT, TEXT_LIMIT = 2**20, 2**22  # bytes, compressed and not
MARKER = "<!-- model-images: report -->\n"
BROKEN = (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error)
NO_REPORT = "No report: no model changed, or the run ended before one was judged.\n"
NOTE = (
    f"The report is longer than the {LIMIT:,} characters of a comment: this is its beginning.\n\n"
)


def comment(github: GitHub) -> int:
    """Comment on every open pull request whose newest commit is the one that ran.

    Raises ShipError for a report that cannot be read.
    """
    run = event()["workflow_run"]
    numbers = pull_requests(github, run)
    if not numbers:
        print(f"No open pull request is at {run['head_sha']} any more: nothing to comment on.")
        return 0
    untrusted = report(github, run["id"])
    body = render(run, untrusted or NO_REPORT)
    for number in numbers:
        print(f"{post(github, number, body, first=bool(untrusted))} on pull request {number}.")
    return 0


def pull_requests(github: GitHub, run: dict[str, Any]) -> list[int]:
    """Return the open pull requests that come from the run's repository, branch and commit.

    The event names them only where they come from this repository itself.
    """
    if run["head_repository"] is None:  # a fork that was deleted meanwhile
        return []
    source = run["head_repository"]
    head = f"{source['owner']['login']}:{run['head_branch']}"
    return [
        pull["number"]
        for pull in github.pages("pulls", state="open", head=head)
        if pull["head"]["sha"] == run["head_sha"]
        and (pull["head"]["repo"] or {}).get("id") == source["id"]
    ]


def report(github: GitHub, run_id: int) -> str:
    """Return the report of a run, "" where it ended before there was one."""
    artifacts = [
        artifact
        for artifact in github.pages(f"actions/runs/{run_id}/artifacts", "artifacts", name=ARTIFACT)
        if artifact["name"] == ARTIFACT and not artifact["expired"]
    ]
    if not artifacts:
        return ""
    newest = max(artifacts, key=lambda artifact: artifact["id"])
    return text(github.download(f"actions/artifacts/{newest['id']}/zip", ZIP_LIMIT))


def text(archive: bytes) -> str:
    """Return the one file of an artifact, without unpacking it to disk.

    Raises ShipError for a broken archive, for a link, and for more than TEXT_LIMIT bytes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as members:
            member = members.getinfo(MEMBER)
            if stat.S_ISLNK(member.external_attr >> 16):
                raise ShipError(f"{MEMBER} must be a file in artifact {ARTIFACT}. It is a link.")
            with members.open(member) as file:
                content = file.read(TEXT_LIMIT + 1)
    except BROKEN as error:
        raise ShipError(f"Artifact {ARTIFACT} must be a zip with {MEMBER} in it. {error}") from None
    if len(content) > TEXT_LIMIT:
        raise ShipError(f"{MEMBER} must have at most {TEXT_LIMIT} bytes. It has more.")
    return content.decode(errors="replace")


def render(run: dict[str, Any], untrusted: str) -> str:
    """Return the comment: the result of the run, then the report with nothing active in it."""
    head = (
        f"{MARKER}**{run['conclusion']}** for {run['head_sha'][:12]}: "
        f"[the whole run]({run['html_url']})\n\n"
    )
    return head + bounded(neutral(untrusted), NOTE, LIMIT - len(head.encode()))


def post(github: GitHub, number: int, body: str, *, first: bool) -> str:
    """Replace our comment, or write a `first` one; return what was done.

    A comment with our marker by somebody else is left alone.
    """
    for other in github.pages(f"issues/{number}/comments"):
        if other["user"]["login"] == BOT and other["body"].startswith(MARKER):
            github.send("PATCH", f"issues/comments/{other['id']}", {"body": body})
            return "Comment replaced"
    if not first:
        return "Nothing to say"
    github.send("POST", f"issues/{number}/comments", {"body": body})
    return "Comment written"
