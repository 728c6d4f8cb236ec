"""The command line of the workflows that talk to GitHub: `python3 -m ship.github WORD`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from contract import models
from contract.console import guard
from contract.errors import ModelError
from ship.errors import ShipError
from ship.github.accept import refused, start
from ship.github.api import GitHub
from ship.github.comment import comment
from ship.github.issue import issue
from ship.github.propose import propose
from ship.github.pruning.prune import RetentionPolicy, prune
from ship.github.push import push
from ship.github.release import release
from ship.github.reports import reports
from ship.github.required_jobs import require_jobs
from ship.github.tested_tree import tell_passed


def main() -> int:
    """Run a command and return its exit code; print a failure as one line."""
    arguments = parser().parse_args()
    try:
        return run(arguments)
    except (ShipError, ModelError) as error:
        print(f"{arguments.word}: {error}", file=sys.stderr)
        return error.exit_code


def run(arguments: argparse.Namespace) -> int:
    """Run the command and return its exit code; some talk to GitHub, as the job's token may."""
    github = GitHub.from_environment
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "required-jobs": lambda _: require_jobs(),
        "push": lambda a: push(a.branch, a.message, models.root(), anew=a.anew),
        "reports": lambda a: reports(a.folder, a.file),
        "prune": lambda a: prune(github(), RetentionPolicy(a.last, a.days, a.delete)),
        "propose": lambda a: propose(github(), a.branch, a.title, a.file),
        "comment": lambda _: comment(github()),
        "issue": lambda _: issue(github()),
        "tested": lambda _: tell_passed(github()),
        "refused": lambda _: refused(github()),
        "start": lambda a: start(github(), a.workflow, a.branch),
        "release": lambda a: release(github(), a.folder),
    }
    return commands[arguments.word](arguments)


def parser() -> argparse.ArgumentParser:
    """Return the argument parser."""
    result = argparse.ArgumentParser(prog="python3 -m ship.github", description=__doc__)
    words = result.add_subparsers(dest="word", required=True)
    words.add_parser(
        "required-jobs", help="fail unless every job of the run passed, or may be skipped"
    )
    pushing = words.add_parser("push", help="commit what has changed, and push it as a branch")
    pushing.add_argument("branch")
    pushing.add_argument("--message", default="Change", help="message of the commit")
    pushing.add_argument("--anew", action="store_true", help="replace what the branch was")
    proposing = words.add_parser("propose", help="open a pull request, or rewrite the open one")
    proposing.add_argument("branch")
    proposing.add_argument("--title", required=True, help="title of the pull request")
    proposing.add_argument("--file", type=Path, required=True, help="the file of its text")
    joining = words.add_parser("reports", help="write every model's report into one file, and show "
                               "them in the run's summary")  # fmt: skip
    joining.add_argument("folder", type=Path, help="the folder of the reports")
    joining.add_argument("file", type=Path, help="the file to write")
    words.add_parser("tested", help="say whether the tool's tests have passed on what is committed")
    words.add_parser("comment", help="post the reports of a pull request's run while it runs")
    words.add_parser("issue", help="open, update or close the issue of the weekly scan")
    words.add_parser("refused", help="fetch the reports that refuse a model of a pull request")
    starting = words.add_parser("start", help="start a workflow on a branch")
    starting.add_argument("workflow")
    starting.add_argument("branch")
    releasing = words.add_parser("release", help="make the release of a tag, once")
    releasing.add_argument("folder", type=Path, help="the folder of its files")
    pruning = words.add_parser("prune", help="delete old versions that nothing refers to")
    pruning.add_argument("--last", type=int, default=10, help="untagged images to keep")
    pruning.add_argument("--days", type=int, default=30, help="versions younger than this are kept")
    pruning.add_argument("--delete", action="store_true", help="delete; without it, only list")
    return result


if __name__ == "__main__":
    guard()
    sys.exit(main())
