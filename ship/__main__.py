"""The command line behind the words of the Makefile: `python -m ship WORD [MODEL…]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import model
from ship.errors import ShipError, StageError, UsageError
from ship.github.untrusted import printable


def main() -> int:
    arguments = parser().parse_args()
    try:
        return WORDS[arguments.word](arguments)
    except ShipError as error:
        print(printable(f"{arguments.word}: {error}"), file=sys.stderr)
        return error.exit_code


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m ship", description=__doc__)
    result.add_argument("word", choices=WORDS)
    result.add_argument(
        "models", nargs="*", metavar="MODEL", help="folders in model/; default: all"
    )
    result.add_argument(
        "--bundle", type=Path, help="a bundle trained elsewhere (pipeline, one model)"
    )
    result.add_argument(
        "--images", type=Path, help="images tested elsewhere, a folder per platform (publish)"
    )
    result.add_argument("--reports", type=Path, help="where reports are (better)")
    result.add_argument("--release", default="", help="the git tag of a release (plan)")
    result.add_argument("--tag", default="main", help="the published tag (verify, deploy, …)")
    result.add_argument("-a", default="", help="the tag to compare with (diff)")
    result.add_argument("-b", default="", help="the tag that is compared (diff)")
    return result


def chosen(arguments: argparse.Namespace) -> list[str]:
    """Return the models named, or all; raise UsageError for one that does not exist."""
    known = model.names()
    for name in arguments.models:
        if name not in known:
            raise UsageError(f"MODEL must be one of {', '.join(known)}. Got {name} instead. "
                             "Add one: make new-model NAME=… CSV=… TARGET=…")  # fmt: skip
    return arguments.models or known


def plan(arguments: argparse.Namespace) -> int:
    """Say which models are to be built, and why; nothing but Python and skopeo is needed."""
    from ship.changed import Change, changes, released

    names = chosen(arguments)
    found: list[Change] = (
        released(names, arguments.release) if arguments.release else changes(names)
    )
    for change in found:
        print(f"{change.model}: {change.reason or 'unchanged'}", file=sys.stderr)
    print(f"models={json.dumps([change.model for change in found if change.reason])}")
    return 0


def refresh(arguments: argparse.Namespace) -> int:
    """Write the sha256 of today's data into each model.toml; nothing but Python is needed."""
    from ship.retrain import refresh as refresh_data

    print(f"models={json.dumps(refresh_data(chosen(arguments)))}")
    return 0


def better(arguments: argparse.Namespace) -> int:
    """Say whether every model is better than the published one, by the reports in a folder."""
    from ship.retrain import all_better

    if arguments.reports is None:
        raise UsageError("REPORTS must be the folder that holds the report.json of each model.")
    print(f"better={json.dumps(all_better(arguments.reports))}")
    return 0


def pipeline(arguments: argparse.Namespace) -> int:
    """Run every stage and end with the table, or one stage on what dist/ holds."""
    from ship import pipeline as job
    from ship import summary

    models = chosen(arguments)
    for name in ("bundle", "images"):
        if getattr(arguments, name) and len(models) != 1:
            raise UsageError(f"{name.upper()} must go with one model. Name it: MODEL=…")
    whole = arguments.word == "pipeline"
    stages = job.STAGES if whole else (arguments.word,)
    outcomes = job.pipeline(models, stages, arguments.bundle, arguments.images)
    if whole:
        summary.show(outcomes)
    failed = [outcome for outcome in outcomes if outcome.failed]
    if not whole:
        print("".join(summary.failure(outcome) for outcome in failed), end="")
    return StageError.exit_code if failed else 0


def models(arguments: argparse.Namespace) -> int:
    """List what is published of each model."""
    from ship import git
    from ship.destination import destination
    from ship.models import show

    for name in chosen(arguments):
        show(name, destination(name, git.ROOT / "dist"))
    return 0


def diff(arguments: argparse.Namespace) -> int:
    """Compare two published versions of one model."""
    from ship.diff import diff as compare

    named = chosen(arguments)
    if len(named) != 1:
        raise UsageError("MODEL must name the one model to compare: make diff MODEL=… A=… B=…")
    print(f"The page: {compare(named[0], arguments.a, arguments.b)}/report.html")
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """Say of each published image what holds; fail for one whose signature does not."""
    from ship import git
    from ship.destination import destination
    from ship.verify import verify as verify_image

    for name in chosen(arguments):
        target = destination(name, git.ROOT / "dist")
        digest = target.digest_of(arguments.tag)
        if digest is None:
            raise StageError(
                f"{target}:{arguments.tag} must be published. It is not; see: make models"
            )
        verified = verify_image(target, digest, name, arguments.tag)
        print(f"{target}:{arguments.tag}: verified {verified}")
    return 0


def deployment(arguments: argparse.Namespace) -> int:
    """Deploy what a tag names, try it on a share of the requests, go back, or look back."""
    from ship.deploy import words

    models = chosen(arguments)
    if arguments.word in ("canary", "rollback") and not arguments.models:
        raise UsageError(f"MODEL must name what to change: make {arguments.word} MODEL=…")
    if arguments.word == "deploy":
        words.deploy(models, arguments.tag)
    elif arguments.word == "canary":
        words.canary(models, arguments.tag)
    elif arguments.word == "rollback":
        words.rollback(models)
    elif arguments.word == "history":
        words.history(models)
    elif arguments.word == "manifests":
        words.manifests(models, arguments.tag)
    else:
        words.undeploy(arguments.models)
    return 0


def rescan(arguments: argparse.Namespace) -> int:
    """Scan what is published; what is found is told, and no failure of this command."""
    from ship.rescan import rescan as scan_again
    from ship.rescan import tell

    tell(scan_again(chosen(arguments)))
    return 0


def reproduce(arguments: argparse.Namespace) -> int:
    from ship import base
    from ship.build import Build
    from ship.reproduce import reproduce as prove

    python_image = base.resolve()
    for name in chosen(arguments):
        print(f"{name}: reproducible: {prove(Build(name, python_image))}")
    return 0


WORDS = {
    "plan": plan,
    "refresh": refresh,
    "better": better,
    "pipeline": pipeline,
    "train": pipeline,
    "gate": pipeline,
    "image": pipeline,
    "measure": pipeline,
    "scan": pipeline,
    "smoke": pipeline,
    "push": pipeline,
    "publish": pipeline,
    "assets": pipeline,
    "verify": verify,
    "rescan": rescan,
    "reproduce": reproduce,
    "models": models,
    "diff": diff,
    **dict.fromkeys(
        ("deploy", "canary", "rollback", "history", "manifests", "undeploy"), deployment
    ),
}

if __name__ == "__main__":
    sys.exit(main())
