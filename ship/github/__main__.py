"""The command line of the workflows that talk to GitHub: `python3 -m ship.github WORD`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from contract import models
from contract.console import guard
from contract.errors import ModelError
from ship.errors import ShipError
from ship.github.api import GitHub
from ship.github.comment import comment
from ship.github.issue import issue
from ship.github.prune import RetentionPolicy, prune
from ship.github.push import push
from ship.github.reports import reports
from ship.github.required_jobs import require_jobs
from ship.github.tested_tree import tell_passed


def main() -> int:
    """Run a command and return its exit code; print a failure as one line."""
    arguments = parser().parse_args()
    try:
        if arguments.word == "required-jobs":
            return require_jobs()
        if arguments.word == "push":
            return push(arguments.branch, arguments.message, models.root())
        if arguments.word == "reports":
            return reports(arguments.folder, arguments.file)
        github = GitHub.from_environment()
        if arguments.word == "prune":
            return prune(github, RetentionPolicy(arguments.last, arguments.days, arguments.delete))
        return {"comment": comment, "issue": issue, "tested": tell_passed}[arguments.word](github)
    except (ShipError, ModelError) as error:
        print(f"{arguments.word}: {error}", file=sys.stderr)
        return error.exit_code


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
    joining = words.add_parser("reports", help="write every model's report into one file, and show "
                               "them in the run's summary")  # fmt: skip
    joining.add_argument("folder", type=Path, help="the folder of the reports")
    joining.add_argument("file", type=Path, help="the file to write")
    words.add_parser("tested", help="say whether the tool's tests have passed on what is committed")
    words.add_parser("comment", help="post the reports of a pull request's run while it runs")
    words.add_parser("issue", help="open, update or close the issue of the weekly scan")
    pruning = words.add_parser("prune", help="delete old versions that nothing refers to")
    pruning.add_argument("--last", type=int, default=10, help="untagged images to keep")
    pruning.add_argument("--days", type=int, default=30, help="versions younger than this are kept")
    pruning.add_argument("--delete", action="store_true", help="delete; without it, only list")
    return result


if __name__ == "__main__":
    guard()
    sys.exit(main())
