"""A Compose project: its files, and the commands that make what runs match them."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from ship.deploy.compose import images, render
from ship.deploy.compose.containers import docker, inspect, last_words, stop, wait_until
from ship.deploy.compose.state import State
from ship.deploy.settings import Settings
from ship.errors import StageError
from ship.files.replace import replace_file

FILES = Path(__file__).parent
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
            wait_until(lambda: old.isdisjoint(self.workers()), "the end of the old router workers")
            stop(leftover)

    def reload(self) -> set[str]:
        """Let nginx take over its new files; return the old workers, which take no new request."""
        self.compose("exec", "-T", "router", *NGINX, "-t", "-q")
        old = set(self.workers())
        self.compose("kill", "--signal=HUP", "router")

        def replaced() -> bool:
            now = self.workers()
            return all("shutting down" in now.get(worker, "shutting down") for worker in old)

        wait_until(replaced, "the start of new router workers")
        return old

    def workers(self) -> dict[str, str]:
        """Return the title of each worker process of the router by its id."""
        (router,) = self.containers("router") or [""]
        lines = docker("top", router, "-o", "pid,args").splitlines()[1:]
        return {pid: title for pid, title in (line.split(None, 1) for line in lines)
                if "worker" in title}  # fmt: skip

    def wait_healthy(self, service: str) -> None:
        """Wait for every replica; raise StageError, with its log, for one that ends or is late."""
        deadline = time.monotonic() + self.settings.ready_seconds
        while True:
            found = inspect(self.containers(service))
            failed = [each for each in found if each["RestartCount"]]
            late = [each for each in found if each["State"]["Health"]["Status"] != "healthy"]
            if found and not late:
                return
            if failed or time.monotonic() > deadline:
                what = "ends as soon as it starts" if failed else "does not become ready"
                raise StageError(f"{service} {what}: {last_words(*(failed or late)[:1])}")
            time.sleep(0.1)

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
