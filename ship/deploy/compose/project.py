"""A Compose project: its files, and the commands that make what runs match them."""

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
from ship.waiting import wait_for

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
    """One Compose project, in the folder where its state is."""

    settings: Settings

    @property
    def folder(self) -> Path:
        return self.settings.folder

    def prepare(self) -> None:
        """Write the files that stay the same whatever is deployed."""
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
        """Make what runs match the state: start, send requests there, then stop the rest.

        The replicas of the service `new` are waited for first. Others are not: a replica of
        another model that happens to be ill is no reason to keep this one from changing.
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
        """Let nginx take over its new files; return the old workers, which take no new request."""
        self.compose("exec", "-T", "router", *NGINX, "-t", "-q")
        old = set(self.workers())
        self.compose("kill", "--signal=HUP", "router")

        def replaced(now: dict[str, str]) -> bool:
            return all("shutting down" in now.get(worker, "shutting down") for worker in old)

        self.wait_workers(replaced, "New router workers must start")
        return old

    def wait_workers(self, done: Callable[[dict[str, str]], bool], what: str) -> None:
        wait_for(self.workers, done, what, SETTLE_SECONDS, interval=0.05)

    def workers(self) -> dict[str, str]:
        """Return the title of each worker process of the router by its id."""
        (router,) = self.containers("router") or [""]
        lines = docker("top", router, "-o", "pid,args").splitlines()[1:]
        return {pid: title for pid, title in (line.split(None, 1) for line in lines)
                if "worker" in title}  # fmt: skip

    def wait_healthy(self, service: str) -> None:
        """Wait for every replica; raise StageError, with its log, for one that ends or is late."""

        def late(replicas: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [each for each in replicas if each["State"]["Health"]["Status"] != "healthy"]

        def replicas() -> list[dict[str, Any]]:
            found = inspect(self.containers(service))
            if late(found) and (failed := [each for each in found if each["RestartCount"]]):
                raise StageError(f"{service} ends as soon as it starts: {last_words(failed[0])}")
            return found

        wait_for(
            replicas, lambda found: bool(found) and not late(found),
            f"{service} must become ready", self.settings.ready_seconds,
            describe=lambda found: last_words(*late(found)[:1]),
        )  # fmt: skip

    def metrics(self, service: str) -> list[str]:
        """Return what every replica prints at /metrics."""
        replicas = self.containers(service)
        return [docker("exec", replica, "python", "-c", METRICS) for replica in replicas]

    def refuse_dead(self, service: str) -> None:
        """Raise StageError for a replica that ended since it was started by us."""
        if died := [each for each in inspect(self.containers(service)) if each["RestartCount"]]:
            raise StageError(f"{service} ended: {last_words(*died)}")

    def leftovers(self, state: State) -> list[str]:
        """Return the containers of releases that are not deployed any more."""
        wanted = {render.service(m, r) for m, deployed in state.items() for r in deployed.releases}
        found = inspect(self.containers(label="model-images.digest"))
        labels = "com.docker.compose.service"
        return [each["Id"] for each in found if each["Config"]["Labels"][labels] not in wanted]

    def containers(self, service: str = "", label: str = "") -> list[str]:
        filters = [f"com.docker.compose.project={self.settings.project}", label]
        filters += [f"com.docker.compose.service={service}"] if service else []
        options = [f"--filter=label={each}" for each in filters if each]
        return docker("ps", "--all", "--quiet", "--no-trunc", *options).split()

    def remove(self) -> None:
        """Stop and remove the containers and networks; metrics, state and history stay."""
        if not (self.folder / ".env").exists():
            raise StageError(f"{self.folder} must hold a deployment. Got none; see PROJECT, STATE.")
        self.compose("down", "--remove-orphans")

    def compose(self, *arguments: str) -> str:
        return docker("compose", *arguments, folder=self.folder)
