"""TARGET=kubernetes: a model as a Deployment behind a Gateway; kubectl must be configured."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ship import command
from ship.deploy.canary import Trial
from ship.deploy.engine_image import RunnableImage
from ship.deploy.history import Entry
from ship.deploy.kubernetes import history_configmap, manifests
from ship.deploy.kubernetes.manifests import CANARY, STABLE, name
from ship.deploy.replica_metrics import Counts, parse
from ship.deploy.rollout import Stuck
from ship.deploy.settings import Settings
from ship.errors import ShipError, StageError, UsageError


@dataclass(frozen=True)
class Kubernetes:
    """The models in one namespace of a cluster."""

    settings: Settings

    @property
    def namespace(self) -> str:
        """The namespace of the overlay."""
        return manifests.namespace(self.settings.overlay)

    def url(self, model: str) -> str:
        """Return the address of a model; raise UsageError for settings that cannot deploy."""
        if self.settings.overlay == "kserve":
            raise UsageError(
                "OVERLAY must be production or staging to deploy. Got kserve instead, which KServe "
                "rolls out: make manifests OVERLAY=kserve MODEL=… | kubectl apply --filename=-"
            )
        if not self.settings.gateway:
            raise UsageError(
                "GATEWAY must be the address at which the Gateway answers, such as "
                "https://models.example.com. Got none; the golden examples are asked there."
            )
        return f"{self.settings.gateway.rstrip('/')}/{model}"

    def serving(self, model: str) -> str | None:
        """Return the digest that serves a model, None where none does."""
        image = self.deployed(model)
        return image.digest if image else None

    def deployed(self, model: str) -> RunnableImage | None:
        """Return the image of a model's Deployment, None where there is none."""
        path = "jsonpath={.spec.template.spec.containers[0].image}"
        reference = self.kubectl("get", "deployment", name(model), "--ignore-not-found",
                                 f"--output={path}")  # fmt: skip
        return RunnableImage(model, reference.partition("@")[2], reference) if reference else None

    def roll_out(
        self, image: RunnableImage, ask_examples: Callable[[str], None], trial: Trial | None = None
    ) -> None:
        """Make `image` serve: new replicas become ready, old ones go, `ask_examples` is called.

        Whatever goes wrong, the previous image is applied again.
        """
        url, old = self.url(image.model), self.deployed(image.model)
        with self.undoing(image, old):
            if trial and old:
                self.try_out(image, old, trial)
            self.apply(manifests.render(image, self.settings.overlay))
            self.wait_available(image)
            ask_examples(url)
        self.remove_canary(image.model)

    def try_out(self, image: RunnableImage, old: RunnableImage, trial: Trial) -> None:
        """Send a share of the requests to a Deployment of the candidate, and watch both."""
        overlay = self.settings.overlay
        self.apply(manifests.render_canary(image, overlay))
        self.wait_available(image, CANARY)
        self.apply(manifests.render(old, overlay, trial.share))
        trial.watch(lambda: (self.counts(image.model, STABLE), self.counts(image.model, CANARY)))

    @contextmanager
    def undoing(self, image: RunnableImage, old: RunnableImage | None) -> Iterator[None]:
        """Apply `old` again, or remove what was applied, when anything goes wrong.

        Raises Stuck if that fails too.
        """
        try:
            yield
        except BaseException as error:
            try:
                self.undo(image, old)
            except ShipError as another:
                raise Stuck(f"{error}; and undoing it failed: {another}") from error
            raise

    def undo(self, image: RunnableImage, old: RunnableImage | None) -> None:
        """Apply the manifests of `old`, or remove those of `image` where nothing served before."""
        overlay = self.settings.overlay
        if old:
            self.apply(manifests.render(old, overlay))
            self.wait_available(old)
        else:
            self.kubectl("delete", "--ignore-not-found", "--filename=-",
                         stdin=manifests.render(image, overlay))  # fmt: skip
        self.remove_canary(image.model)

    def apply(self, rendered: str) -> None:
        """Apply manifests on the server's side, which keeps the fields that they do not set."""
        self.kubectl("apply", "--server-side", "--field-manager=model-images",
                     "--force-conflicts", "--filename=-", stdin=rendered)  # fmt: skip

    def wait_available(self, image: RunnableImage, track: str = STABLE) -> None:
        """Wait until only this image's replicas run.

        Raises StageError, with their log, if they do not.
        """
        deployment = f"deployment/{name(image.model, track)}"
        try:
            self.kubectl("rollout", "status", deployment,
                         f"--timeout={self.settings.ready_seconds}s")  # fmt: skip
        except StageError as error:
            digest = image.digest.removeprefix("sha256:")[:12]
            labels = f"{selector(image.model, track)},model-images/digest={digest}"
            log = self.kubectl("logs", f"--selector={labels}", "--tail=5", check=False).strip()
            raise StageError(f"{deployment} does not become ready: {error}. {log}") from error

    def remove_canary(self, model: str) -> None:
        """Remove the Deployment and Service of a candidate."""
        self.kubectl("delete", "deployment,service", name(model, CANARY), "--ignore-not-found")

    def counts(self, model: str, track: str) -> Counts:
        """Return the sums of the metrics of a track's replicas.

        Raises StageError for a canary that ended.
        """
        items = json.loads(
            self.kubectl("get", "pods", f"--selector={selector(model, track)}", "--output=json")
        )["items"]
        for pod in items if track == CANARY else []:
            if any(
                container["restartCount"]
                for container in pod["status"].get("containerStatuses", [])
            ):
                raise StageError(f"{pod['metadata']['name']} ended")
        pods = f"/api/v1/namespaces/{self.namespace}/pods"
        return parse(
            self.kubectl("get", f"--raw={pods}/{pod['metadata']['name']}:8080/proxy/metrics")
            for pod in items
            if pod["status"].get("phase") == "Running"
        )

    def entries(self) -> list[Entry]:
        """Return the history of the namespace."""
        return history_configmap.entries(self.kubectl)

    def add(self, entry: Entry) -> None:
        """Add a line to the history of the namespace."""
        history_configmap.add(self.kubectl, entry)

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Run kubectl in the namespace and return what it prints.

        Raises StageError if `check` and it fails.
        """
        namespace = f"--namespace={self.namespace}"
        result = command.attempt("kubectl", namespace, *arguments, stdin=stdin)
        return (result.require_success() if check else result).stdout


def selector(model: str, track: str) -> str:
    """Return the label selector of a model's replicas on a track."""
    return f"app.kubernetes.io/name={model},model-images/track={track}"
