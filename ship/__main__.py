"""The command line behind the words of the Makefile: `python -m ship WORD [MODEL…]`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from typing import NamedTuple

from contract.console import guard
from contract.errors import ModelError
from ship.errors import ShipError, StageError, UsageError
from ship.github.step_files import tell_outputs
from ship.settings import Settings, read

# The pinned builder reaches no cluster; a bundle that was trained on one comes in by BUNDLE.
NO_CLUSTER = """\
TRAIN_BACKEND must be local here: a model trains in a container that reaches no cluster. Run:
TRAIN_BACKEND={backend} ADDRESS=… python -m train NAME --out bundle
make pipeline MODEL=NAME BUNDLE=bundle"""


class Word(NamedTuple):
    """The function of a command, and the settings that it reads beside MODEL and REGISTRY.

    Commands that share a function are explained by `text`, others by the function's docstring.
    """

    run: Callable[[str, Settings], int]
    reads: tuple[str, ...] = ()
    text: str = ""

    @property
    def help(self) -> str:
        """The sentence that explains the command."""
        return self.text or (self.run.__doc__ or "").partition("\n")[0]


def main() -> int:
    """Run a command and return its exit code; print a failure as one line."""
    arguments = parser().parse_args()
    word = WORDS[arguments.word]
    environ = {**os.environ}
    if arguments.models:
        environ["MODEL"] = " ".join(arguments.models)
    try:
        return word.run(arguments.word, read(("MODEL", "REGISTRY", *word.reads), environ))
    except (ShipError, ModelError) as error:
        print(f"{arguments.word}: {error}", file=sys.stderr)
        return error.exit_code


def parser() -> argparse.ArgumentParser:
    """Return the argument parser, which explains each command."""
    result = argparse.ArgumentParser(
        prog="python -m ship",
        description=__doc__,
        epilog="Settings are environment variables; `WORD --help` names those of a command.",
    )
    words = result.add_subparsers(dest="word", required=True, metavar="WORD")
    for name, word in WORDS.items():
        reads = ", ".join(("MODEL", "REGISTRY", *word.reads))
        command = words.add_parser(
            name, help=word.help, description=word.help, epilog=f"It checks first: {reads}."
        )
        command.add_argument(
            "models", nargs="*", metavar="MODEL", help="folders in MODELS; default: MODEL, or all"
        )
    return result


def version(_: str, settings: Settings) -> int:
    """Refuse a git tag that is no version, or not on BRANCH, before anything is done for it.

    Raises UsageError without a RELEASE, StageError for one whose commit nobody has reviewed.
    """
    from contract.models import root
    from ship.tags import refuse_unreviewed

    if not settings.release:
        raise UsageError("RELEASE must be a git tag, such as v1.2.3. Got none.")
    refuse_unreviewed(settings.release, root())
    return 0


def plan(_: str, settings: Settings) -> int:
    """Print which models are to be built and why, and set them and their tag as outputs.

    Python and skopeo are all that must be installed.
    """
    from contract.models import names as all_models
    from contract.models import root
    from ship.pipeline.changed_models import ModelChange, changes, released_models
    from ship.tags import tag_of_head

    names = list(settings.model) or all_models()  # a fork may have none yet
    planned: list[ModelChange] = (
        released_models(names, settings.release) if settings.release else changes(names)
    )
    for change in planned:
        print(f"{change.model}: {change.reason or 'unchanged'}", file=sys.stderr)
    changed = [change.model for change in planned if change.reason]
    tell_outputs(models=json.dumps(changed), tag=tag_of_head(root()))
    return 0


def log_in(word: str, settings: Settings) -> int:
    """Log in to the registry; nothing but Python and docker is needed."""
    from ship.registry.remote import login

    print(f"{word}: {login(settings.registry)}")
    return 0


def remote(_: str, settings: Settings) -> int:
    """Say which models have data elsewhere, which may change without a commit.

    Nothing but Python is needed.
    """
    from contract.models import names, root
    from ship.pipeline.retrain import remote as with_remote_data

    models = list(settings.model) or names()  # a fork may have none yet
    tell_outputs(models=json.dumps(with_remote_data(models, root())))
    return 0


def refresh(_: str, settings: Settings) -> int:
    """Say what the sha256 of a model's data is by now, "" where it has not changed."""
    from contract.models import root
    from ship.pipeline.retrain import changed

    tell_outputs(sha256=changed(the_model(settings), root()))
    return 0


def pin(_: str, settings: Settings) -> int:
    """Write SHA256 into a model's model.toml; nothing but Python is needed."""
    from contract.models import SPEC, root
    from ship.pipeline.retrain import pin as write

    write(root() / the_model(settings) / SPEC, os.environ.get("SHA256", ""))
    return 0


def the_model(settings: Settings) -> str:
    """Return the one model that is named; raise UsageError for none, or several."""
    if len(settings.model) != 1:
        raise UsageError(f"MODEL must name one model. Got {len(settings.model)} names.")
    return settings.model[0]


def better(_: str, settings: Settings) -> int:
    """Say whether every model is better than the published one, by the reports in a folder.

    Raises UsageError without MODEL or REPORTS.
    """
    from ship.pipeline.retrain import all_better

    if settings.reports is None or not settings.model:
        raise UsageError("MODEL must name the models, and REPORTS the folder of their reports.")
    tell_outputs(better=json.dumps(all_better(settings.reports, settings.models)))
    return 0


def pipeline(word: str, settings: Settings) -> int:
    """Run every stage and end with the table, or run one stage on what dist/ holds.

    Raises UsageError where BUNDLE or IMAGES come without their one model.
    """
    from ship.pipeline import stages as job
    from ship.pipeline import summary

    models = settings.models
    for name in ("bundle", "images"):
        if getattr(settings, name) and len(models) != 1:
            raise UsageError(f"{name.upper()} must go with one model. Name it: MODEL=…")
    whole = word == "pipeline"
    stages = job.STAGES if whole else (word,)
    refuse_cluster(stages, settings)
    runs = job.pipeline(models, stages, settings)
    if whole:
        summary.show(runs)
    failed = [run for run in runs if run.failed]
    if not whole:
        print("".join(summary.failure(run) for run in failed), end="")
    return StageError.exit_code if failed else 0


def promote(_: str, settings: Settings) -> int:
    """Give what main has published of this commit the tags of RELEASE; write its assets.

    Raises UsageError without a RELEASE.
    """
    from ship import git
    from ship.pipeline.promote import promote as release
    from ship.pipeline.promote import write_assets
    from ship.registry.destination import destination
    from ship.tags import released_versions

    if not settings.release:
        raise UsageError("RELEASE must be a git tag, such as v1.2.3. Got none.")
    for name, version in released_versions(settings.release, settings.models).items():
        target = destination(name, git.TOOL / "dist")
        image = release(name, version, target, settings.wait)
        write_assets(name, version, image, target, git.TOOL / "dist/assets")
        print(f"{name}: {version} is {image.digest}")
    return 0


def accept(_: str, settings: Settings) -> int:
    """Accept in model.toml what the gate has refused of a comparison, and remove what is stale."""
    from contract.models import root
    from ship import git
    from ship.build.workspace import Workspace
    from ship.compare.accept import accept as write

    who = settings.who or git.user(root())
    for name in settings.models:
        judged = Workspace(name, "").folder
        lines = write(name, root(), judged, settings.reason, who)
        for line in lines:
            print(f"{name}: accepts {line.what} at {line.value} in place of {line.replaces}")
        if not lines:
            print(f"{name}: accepts nothing, and needs to accept nothing")
    return 0


def refuse_cluster(stages: tuple[str, ...], settings: Settings) -> None:
    """Raise UsageError where training is to run on a cluster, which the build cannot reach."""
    backend = os.environ.get("TRAIN_BACKEND", "")
    if "train" in stages and not settings.bundle and backend not in ("", "local"):
        raise UsageError(NO_CLUSTER.format(backend=backend if backend.isidentifier() else "NAME"))


def starter(_: str, __: Settings) -> int:
    """Write a repository that calls this tool's workflows: DIR, and of a table CSV and TARGET."""
    from ship.starter import starter as write_starter

    return write_starter()


def lock(_: str, settings: Settings) -> int:
    """Lock the packages that models ask for in their requirements.in."""
    from contract.models import names
    from ship.build.model_lock import lock as lock_models

    lock_models(list(settings.model) or names(), named=bool(settings.model))
    return 0


def models(_: str, settings: Settings) -> int:
    """List what is published of each model."""
    from ship import git
    from ship.registry.catalogue import show
    from ship.registry.destination import destination

    for name in settings.models:
        show(name, destination(name, git.TOOL / "dist"))
    return 0


def diff(_: str, settings: Settings) -> int:
    """Compare two published images of one model.

    Raises UsageError unless one model is named.
    """
    from ship.compare.diff import diff as compare

    named = settings.models
    if len(named) != 1:
        raise UsageError("MODEL must name the one model to compare: make diff MODEL=… A=… B=…")
    print(f"The page: {compare(named[0], settings.a, settings.b)}/report.html")
    return 0


def verify(_: str, settings: Settings) -> int:
    """Verify each published image and say what was verified."""
    from ship import git
    from ship.deploy.rollout import resolve
    from ship.registry.destination import destination
    from ship.supply_chain import cosign, provenance
    from ship.supply_chain.verify import verify as verify_image

    for name in settings.models:
        target = destination(name, git.TOOL / "dist")
        digest = resolve(target, settings.tag)
        verified = verify_image(target, digest, name, settings.tag)
        print(f"{target}:{settings.tag}: verified {verified}")
        if target.shared:
            print(f"  signed by {cosign.trusted()}; {provenance.described(f'{target}@{digest}')}")
    return 0


def tagged(_: str, settings: Settings) -> int:
    """Say which models are published under TAG, or from COMMIT, and set both as outputs.

    Models that are named are taken as they are; whoever deploys them is told what is not there.
    Raises StageError if none is there under a TAG that somebody asked for.
    """
    from ship import git
    from ship.registry.destination import destination
    from ship.tags import tag_of

    commit = os.environ.get("COMMIT", "")
    tag, named = tag_of(commit) if commit else settings.tag, list(settings.model)
    places = {name: destination(name, git.TOOL / "dist") for name in settings.models}
    published = named or [name for name, place in places.items() if place.resolve(tag)]
    if not published and not commit:
        raise StageError(f"TAG must name a published image of some model. Got {tag}, which names "
                         "none; see: make models")  # fmt: skip
    tell_outputs(models=json.dumps(published), tag=tag)
    return 0


def deployment(word: str, settings: Settings) -> int:
    """Run one of the commands that deploy.

    Raises UsageError where a command that changes one model names none.
    """
    from ship.deploy import commands

    models = settings.models
    if word in ("canary", "rollback") and not settings.model:
        raise UsageError(f"MODEL must name what to change: make {word} MODEL=…")
    if word == "deploy":
        commands.deploy(models, settings.tag)
    elif word == "canary":
        commands.canary(models, settings.tag)
    elif word == "rollback":
        commands.rollback(models)
    elif word == "history":
        commands.history(models)
    elif word == "manifests":
        commands.manifests(models, settings.tag)
    else:
        commands.undeploy(list(settings.model))
    return 0


def rescan(_: str, settings: Settings) -> int:
    """Scan what is published and report what was found, which is no failure of this command."""
    from ship.pipeline.rescan import rescan as scan_again
    from ship.pipeline.rescan import tell

    tell(scan_again(settings.models))
    return 0


def reproduce(_: str, settings: Settings) -> int:
    """Build each model twice from nothing and compare the digests."""
    from ship.build import base_image
    from ship.build.reproduce import reproduce as prove
    from ship.build.workspace import Workspace

    python_image = base_image.resolve()
    for name in settings.models:
        print(f"{name}: reproducible: {prove(Workspace(name, python_image))}")
    return 0


WORDS = {
    "version": Word(version, ("RELEASE",)),
    "plan": Word(plan, ("RELEASE",)),
    "login": Word(log_in),
    "starter": Word(starter),
    "remote": Word(remote),
    "refresh": Word(refresh),
    "pin": Word(pin),
    "better": Word(better, ("REPORTS",)),
    "pipeline": Word(pipeline, ("BUNDLE",), "Run every stage and end with a table."),
    "train": Word(pipeline, ("BUNDLE",), "Train each model in the pinned builder."),
    "gate": Word(pipeline, text="Judge each bundle by model.toml and the published model."),
    "accept": Word(accept, ("REASON", "WHO")),
    "image": Word(pipeline, text="Build an image around each bundle."),
    "measure": Word(pipeline, text="Measure each image beside the published one."),
    "scan": Word(pipeline, text="Scan each image, and write its SBOMs."),
    "smoke": Word(pipeline, text="Test each image as a hostile host runs it."),
    "push": Word(pipeline, ("IMAGES",), "Bring each tested image to its registry, under no tag."),
    "publish": Word(
        pipeline, ("IMAGES",), "Push each image that is not there yet, and set its tags."
    ),
    "promote": Word(promote, ("RELEASE", "WAIT")),
    "verify": Word(verify, ("TAG",)),
    "tagged": Word(tagged, ("TAG",)),
    "rescan": Word(rescan),
    "reproduce": Word(reproduce),
    "lock": Word(lock),
    "models": Word(models),
    "diff": Word(diff, ("A", "B")),
    "deploy": Word(deployment, ("TAG",), "Verify what TAG names and let it serve."),
    "canary": Word(
        deployment, ("TAG",), "Try TAG on a share of the requests, then deploy it or not."
    ),
    "rollback": Word(deployment, text="Return to what one model served before."),
    "history": Word(deployment, text="List who deployed what, when, and how it ended."),
    "manifests": Word(deployment, ("TAG",), "Print the Kubernetes manifests of what TAG names."),
    "undeploy": Word(deployment, text="Stop the models that are named, or everything."),
}

if __name__ == "__main__":
    guard()
    sys.exit(main())
