"""Post the reports of a pull request's run as one comment, which is kept up to date while it runs.

The run may be a fork's, so what it wrote is not trusted. GitHub, and not a report, says which pull
request it belongs to, and which run and artifacts the links lead to.
"""

from __future__ import annotations

import time
from typing import Any

from ship.github.api import BOT, GitHub, event
from ship.github.run_results import ModelResult, RunResults
from ship.github.untrusted import LIMIT, bounded, neutral

PAUSE = 30  # seconds: of the 1,000 requests an hour that a job's token has, half are used
GAVE_WAY = ("cancelled", "skipped")  # to a run of a newer commit, which has its own report
MARKER = "<!-- model-images: report -->\n"
NO_REPORT = "No report: no model changed, or the run ended before one was judged.\n"
NOTE = (
    f"The report is longer than the {LIMIT:,} characters of a comment: this is its beginning.\n\n"
)


def comment(github: GitHub) -> int:
    """Comment on every open pull request whose newest commit is the one that runs.

    Follows the run until it has ended, and updates the comment where there is more to say. Raises
    ShipError for a report that cannot be read.
    """
    run = event()["workflow_run"]
    results = RunResults(github, run["id"])
    shown = ""
    while True:
        ended = results.ended()  # asked first, so that what is read then is all there is
        if ended and ended["conclusion"] in GAVE_WAY:
            return 0
        by_model = results.by_model()
        body = render(
            run, by_model, [] if ended else results.models(), (ended or run)["conclusion"]
        )
        if body != shown and (by_model or ended):
            numbers = pull_requests(github, run)
            if not numbers:
                print(
                    f"No open pull request is at {run['head_sha']} any more: nothing to comment on."
                )
                return 0
            for number in numbers:
                outcome = post(github, number, body, first=bool(by_model))
                print(f"{outcome} on pull request {number}.", flush=True)
            shown = body
        if ended:
            return 0
        time.sleep(PAUSE)


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


def render(
    run: dict[str, Any],
    results: dict[str, ModelResult],
    planned: list[str],
    conclusion: str | None,
) -> str:
    """Return the comment: how the run stands, then the reports with nothing active in them."""
    pages = [entry(run, model, result) for model, result in results.items()]
    waiting = [model for model in planned if model not in results]
    head = (
        f"{MARKER}**{conclusion or 'running'}** for {run['head_sha'][:12]}: "
        f"[the whole run]({run['html_url']})"
        + (f"; still to be judged: {', '.join(waiting)}" if waiting else "")
        + "\n\n"
    )
    body = "\n".join(pages) or NO_REPORT
    return head + bounded(body, NOTE, LIMIT - len(head.encode()))


def entry(run: dict[str, Any], model: str, result: ModelResult) -> str:
    """Return one model's report, under links to its page and its images' digests."""
    page = f"[{model}: the report's page]({run['html_url']}/artifacts/{result.page})"
    images = [
        f"image for {architecture}: `{digest}`"
        for architecture, digest in sorted(result.images.items())
    ]
    links = [*([page] if result.page else []), *images]
    return " · ".join(links) + ("\n\n" if links else "") + neutral(result.report)


def post(github: GitHub, number: int, body: str, *, first: bool) -> str:
    """Replace our comment, or write a `first` one; return what was done.

    A comment with our marker by somebody else is left alone.
    """
    for other in github.pages(f"issues/{number}/comments"):
        if other["user"]["login"] == BOT and other["body"].startswith(MARKER):
            if other["body"] == body:
                return "Comment left as it is"
            github.send("PATCH", f"issues/comments/{other['id']}", {"body": body})
            return "Comment replaced"
    if not first:
        return "Nothing to say"
    github.send("POST", f"issues/{number}/comments", {"body": body})
    return "Comment written"
