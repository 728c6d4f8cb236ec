"""The commands `deploy`, `canary`, `rollback`, `history`, `manifests` and `undeploy`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.table import Table
from rich.text import Text

from ship import git
from ship.deploy import rollout
from ship.deploy.canary import Trial
from ship.deploy.compose.project import Project
from ship.deploy.compose.state import DeployedModel, locked, read
from ship.deploy.compose.target import Compose
from ship.deploy.engine_image import RunnableImage
from ship.deploy.history import Entry, removal
from ship.deploy.kubernetes.manifests import render
from ship.deploy.kubernetes.target import Kubernetes
from ship.deploy.rollout import Target
from ship.deploy.settings import Settings, load
from ship.errors import ShipError, StageError, UsageError
from ship.host import tables
from ship.host.runner import is_hosted
from ship.host.tables import cell
from ship.registry.destination import Destination, destination
from ship.settings import registry
from ship.supply_chain.verify import verify

WIDTH = 200  # of the history where no terminal says otherwise


def deploy(models: list[str], tag: str) -> None:
    """Make what `tag` names serve; raise StageError where that fails for any model."""
    settings = load()
    for_each_model(
        models, settings, partial(rollout.deploy, tag=tag, older=settings.older == "yes")
    )


def canary(models: list[str], tag: str) -> None:
    """Make what `tag` names serve if it does well on a share of the requests.

    Raises StageError where that fails for any model.
    """
    settings = load()
    trial = Trial(settings.canary_share, settings.canary_seconds)
    older = settings.older == "yes"
    for_each_model(models, settings, partial(rollout.canary, tag=tag, trial=trial, older=older))


def rollback(models: list[str]) -> None:
    """Return to what served before; raise StageError where that fails for any model."""
    for_each_model(models, load(), rollout.rollback)


def history(models: list[str]) -> None:
    """Print who deployed what, when, and how it ended."""
    table = Table("when", "model", "who", "what", "digest", "result", "seconds")
    for entry in target_of(load()).entries():
        if entry.model in models:
            table.add_row(*row(entry))
    tables.show(table, WIDTH)


def manifests(models: list[str], tag: str) -> None:
    """Print the Kubernetes manifests of what `tag` names, verified, for another tool to apply.

    Raises UsageError where REGISTRY names no registry.
    """
    settings = load()
    refuse_local_images()
    for model in models:
        source = destination(model, git.TOOL / "dist")
        digest = rollout.resolve(source, tag)
        verify(source, digest, model, tag)
        image = RunnableImage(model, digest, f"{source}@{digest}")
        print(f"---\n{render(image, settings.overlay)}", end="")


def refuse_local_images() -> None:
    """Check that images are in a registry; raise UsageError if they are on this machine."""
    if not registry():
        raise UsageError(
            "REGISTRY must be where the cluster pulls from, as host/owner. Got none instead; "
            "publish there: make publish REGISTRY=…"
        )


def undeploy(models: list[str]) -> None:
    """Stop the models named, or everything; history and metrics stay.

    After everything was stopped, the next deploy starts again what served then. Raises UsageError
    for another target than Compose.
    """
    settings = load()
    if settings.target != "compose":
        raise UsageError(
            f"TARGET must be compose to undeploy. Got {settings.target} instead. "
            "Use: make manifests MODEL=… | kubectl delete --filename=-"
        )
    with locked(settings.folder):
        target = Compose(Project(settings))
        for model in models or read(settings.folder):
            target.add(removal(model, serving(target, model)))
        for model in models:
            target.show(model, DeployedModel())
        if not models:
            target.project.remove()


def serving(target: Target, model: str) -> str:
    """Return the digest that serves; raise StageError if none does."""
    digest = target.serving(model)
    if digest is None:
        raise StageError(f"{model} must serve to be undeployed. It does not; see: make history")
    return digest


def row(entry: Entry) -> tuple[Text, ...]:
    """Return an entry of the history as the cells of a table."""
    result = f"{entry.result}: {entry.reason.splitlines()[0]}" if entry.reason else entry.result
    cells = (entry.when, entry.model, entry.who, entry.action, entry.digest[7:19], result,
             f"{entry.seconds:.1f}")  # fmt: skip
    return tuple(cell(text) for text in cells)


def for_each_model(
    models: list[str], settings: Settings, do: Callable[[Target, Destination, str], None]
) -> None:
    """Call `do` for every model; raise StageError at the end where it failed for any."""
    failures = []
    with opened(settings) as target:
        for model in models:
            try:
                do(target, destination(model, git.TOOL / "dist"), model)
            except ShipError as error:
                failures.append(str(error))
    if failures:
        raise StageError("\n".join(failures))


@contextmanager
def opened(settings: Settings) -> Iterator[Target]:
    """Lock the deployment on this machine and yield its target.

    Raises UsageError where nothing that is deployed here would go on to serve.
    """
    if settings.target == "compose" and is_hosted():
        raise UsageError(
            "TARGET=compose must run on the machine that serves. Got one of GitHub's, which is "
            "gone after the job. Let a runner of your own on that machine deploy, or set "
            "TARGET=kubernetes."
        )
    with locked(settings.folder):
        if settings.target == "compose":
            Project(settings).prepare()
        else:
            refuse_local_images()
        yield target_of(settings)


def target_of(settings: Settings) -> Target:
    """Return the target of the settings."""
    return Compose(Project(settings)) if settings.target == "compose" else Kubernetes(settings)
