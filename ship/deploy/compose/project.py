"""A Compose project: its files, and the commands that make the containers match them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ship.deploy.compose import images, render
from ship.deploy.compose.containers import docker, inspect, last_words, stop
from ship.deploy.compose.state import State
from ship.deploy.settings import Settings
from ship.errors import StageError
from ship.files.replace import replace_file
from ship.host.waiting import wait_for
from ship.registry.labels import DIGEST

FILES = Path(__file__).parent
SETTLE_SECONDS = 45  # more than the router's worker_shutdown_timeout
CODE = shutil.ignore_patterns("*.py", "__pycache__")
NGINX = ("nginx", "-e", "stderr", "-c", "/etc/router/nginx.conf")
METRICS = (
    "import urllib.request as u; "
    "print(u.urlopen('http://127.0.0.1:8080/metrics', timeout=5).read().decode())"
)


@dataclass(frozen=True)
class Project:
    """One Compose project, in the folder of its state."""

    settings: Settings

    @property
    def folder(self) -> Path:
        """The folder of the project's files, state and history."""
        return self.settings.folder

    def prepare(self) -> None:
        """Write the files that do not depend on what is deployed."""
        shutil.copytree(FILES, self.folder, ignore=CODE, dirs_exist_ok=True)
        environment = {
            "COMPOSE_PROJECT_NAME": self.settings.project,
            "COMPOSE_FILE": "compose.yaml:models.yaml",
            "ROUTER_IMAGE": images.router(),
            "PROMETHEUS_IMAGE": images.prometheus(),
            "LISTEN": self.settings.listen,
            "PROMETHEUS_LISTEN": self.settings.prometheus_listen,
        }
        text = "".join(f"{name}={value}\n" for name, value in environment.items())
        replace_file(self.folder / ".env", text.encode())

    def write(self, state: State) -> None:
        """Write the files that say what is deployed."""
        rate = self.settings.rate
        for name, text in {
            "models.yaml": render.services(state),
            "router/upstreams.conf": render.upstreams(state, rate),
            "router/routes.conf": render.routes(state, rate),
            "prometheus/models.yml": render.scrapes(state),
        }.items():
            replace_file(self.folder / name, text.encode())

    def converge(self, state: State, new: str = "") -> None:
        """Make the containers match the state: start new ones, route to them, stop the others.

        The replicas of the service `new` must become ready first, or StageError is raised. Those of
        other models are not waited for, so that an ill one does not keep this one from changing.
        """
        self.write(state)
        self.compose("up", "--detach", "--quiet-pull")
        if new:
            self.wait_healthy(new)
        old = self.reload()
        if leftover := self.leftovers(state):
            self.wait_workers(old.isdisjoint, "The old router workers must end")
            stop(leftover)

    def reload(self) -> set[str]:
        """Make nginx read its new files; return its old workers, which take no new connections."""
        self.compose("exec", "-T", "router", *NGINX, "-t", "-q")
        old = set(self.workers())
        self.compose("kill", "--signal=HUP", "router")

        def replaced(now: dict[str, str]) -> bool:
            return all("shutting down" in now.get(worker, "shutting down") for worker in old)

        self.wait_workers(replaced, "New router workers must start")
        return old

    def wait_workers(self, is_done: Callable[[dict[str, str]], bool], what: str) -> None:
        """Wait until the router's workers are `done`; raise StageError after SETTLE_SECONDS."""
        wait_for(self.workers, is_done, what, SETTLE_SECONDS, interval=0.05)

    def workers(self) -> dict[str, str]:
        """Return the title of each worker process of the router by its id."""
        (router,) = self.containers("router") or [""]
        lines = docker("top", router, "-o", "pid,args").splitlines()[1:]
        return {pid: title for pid, title in (line.split(None, 1) for line in lines)
                if "worker" in title}  # fmt: skip

    def wait_healthy(self, service: str) -> None:
        """Wait for every replica.

        Raises StageError, with its log, for one that ends or is too late.
        """

        def late(replicas: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [
                replica for replica in replicas if replica["State"]["Health"]["Status"] != "healthy"
            ]

        def replicas() -> list[dict[str, Any]]:
            """Return the replicas; raise StageError for one that ended."""
            seen = inspect(self.containers(service))
            if late(seen) and (failed := [replica for replica in seen if replica["RestartCount"]]):
                raise StageError(f"{service} ends as soon as it starts: {last_words(failed[0])}")
            return seen

        wait_for(
            replicas, lambda seen: bool(seen) and not late(seen),
            f"{service} must become ready", self.settings.ready_seconds,
            describe=lambda seen: last_words(*late(seen)[:1]),
        )  # fmt: skip

    def metrics(self, service: str) -> list[str]:
        """Return what every replica prints at /metrics."""
        replicas = self.containers(service)
        return [docker("exec", replica, "python", "-c", METRICS) for replica in replicas]

    def refuse_dead(self, service: str) -> None:
        """Check that no replica has ended since it was started; raise StageError if one has."""
        if died := [
            replica for replica in inspect(self.containers(service)) if replica["RestartCount"]
        ]:
            raise StageError(f"{service} ended: {last_words(*died)}")

    def leftovers(self, state: State) -> list[str]:
        """Return the containers of images that are not deployed any more."""
        wanted = {render.service(m, r) for m, deployed in state.items() for r in deployed.running}
        running = inspect(self.containers(label=DIGEST))
        labels = "com.docker.compose.service"
        return [
            container["Id"]
            for container in running
            if container["Config"]["Labels"][labels] not in wanted
        ]

    def containers(self, service: str = "", label: str = "") -> list[str]:
        """Return the ids of the project's containers, of a service or with a label."""
        filters = [f"com.docker.compose.project={self.settings.project}", label]
        filters += [f"com.docker.compose.service={service}"] if service else []
        options = [f"--filter=label={label_filter}" for label_filter in filters if label_filter]
        return docker("ps", "--all", "--quiet", "--no-trunc", *options).split()

    def remove(self) -> None:
        """Stop and remove the containers and networks; metrics, state and history stay.

        Raises StageError where nothing was deployed.
        """
        if not (self.folder / ".env").exists():
            raise StageError(f"{self.folder} must hold a deployment. Got none; see PROJECT, STATE.")
        self.compose("down", "--remove-orphans")

    def compose(self, *arguments: str) -> str:
        """Run docker compose in the project and return what it prints."""
        return docker("compose", *arguments, folder=self.folder)
