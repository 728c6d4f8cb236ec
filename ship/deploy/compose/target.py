"""TARGET=compose: every model as a service behind one router on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ship.deploy import history
from ship.deploy.canary import Trial
from ship.deploy.compose import render, state
from ship.deploy.compose.project import Project
from ship.deploy.compose.state import DeployedModel, RunningImage
from ship.deploy.engine_image import RunnableImage
from ship.deploy.replica_metrics import Counts, parse
from ship.deploy.rollout import Stuck
from ship.errors import ShipError

HISTORY = "history.jsonl"


@dataclass(frozen=True)
class Compose:
    """The models on this machine; only one deploy at a time may change them (`state.locked`)."""

    project: Project

    @property
    def folder(self) -> Path:
        """The folder of the project."""
        return self.project.folder

    def url(self, path: str) -> str:
        """Return the address of a path at the router."""
        return f"http://{self.project.settings.listen}/{path}"

    def deployed(self, model: str) -> DeployedModel:
        """Return the images of a model."""
        return state.read(self.folder).get(model, DeployedModel())

    def serving(self, model: str) -> str | None:
        """Return the digest that a model's requests go to; None where it is not deployed."""
        running = self.deployed(model).serving
        return running.digest if running else None

    def roll_out(
        self, image: RunnableImage, ask_examples: Callable[[str], None], trial: Trial | None = None
    ) -> None:
        """Make `image` serve; `ask_examples` is called before and after clients are sent to it.

        Whatever goes wrong, what served before serves on; its replicas are not stopped until the
        end.
        """
        model, old = image.model, self.deployed(image.model).serving
        new = RunningImage(image.digest, image.reference, self.project.settings.replicas)
        with self.undoing(model, old):
            if old and old.digest == new.digest:
                self.show(model, DeployedModel(new), new)
            else:
                self.show(model, DeployedModel(old, beside=new), new)
                ask_examples(self.url(render.preview(model, new)))
                if trial and old:
                    self.try_out(model, old, new, trial)
                self.show(model, DeployedModel(new, beside=old))
            ask_examples(self.url(model))
        self.show(model, DeployedModel(new))

    def try_out(self, model: str, old: RunningImage, new: RunningImage, trial: Trial) -> None:
        """Send a share of the requests to `new`, and watch the counts of both."""
        self.show(model, DeployedModel(old, beside=new, share=trial.share))

        def read() -> tuple[Counts, Counts]:
            self.project.refuse_dead(render.service(model, new))
            return self.counts(model, old), self.counts(model, new)

        trial.watch(read)

    @contextmanager
    def undoing(self, model: str, old: RunningImage | None) -> Iterator[None]:
        """Make `old` alone serve again when anything goes wrong; raise Stuck if that fails too."""
        try:
            yield
        except BaseException as error:
            try:
                self.show(model, DeployedModel(old))
            except ShipError as another:
                raise Stuck(f"{error}; and undoing it failed: {another}") from error
            raise

    def show(self, model: str, deployed: DeployedModel, new: RunningImage | None = None) -> None:
        """Make a model's services and its routes as described, once `new` is ready."""
        models = state.read(self.folder)
        models.pop(model, None)
        if deployed.running:
            models[model] = deployed
        models = dict(sorted(models.items()))
        state.write(self.folder, models)
        self.project.converge(models, render.service(model, new) if new else "")

    def counts(self, model: str, running: RunningImage) -> Counts:
        """Return the sums of the metrics of an image's replicas."""
        return parse(self.project.metrics(render.service(model, running)))

    def entries(self) -> list[history.Entry]:
        """Return the history of the project."""
        file = self.folder / HISTORY
        return history.decode(file.read_bytes()) if file.exists() else []

    def add(self, entry: history.Entry) -> None:
        """Add a line to the history of the project."""
        with (self.folder / HISTORY).open("ab") as file:
            file.write(history.encode(entry))
