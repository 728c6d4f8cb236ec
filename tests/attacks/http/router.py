"""The router of `make deploy`, nginx with its own files, in front of one server on this machine."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from ship.deploy.compose import render
from ship.deploy.compose.project import FILES
from ship.deploy.compose.state import DeployedModel, RunningImage
from tests.support.names import free_address
from tests.support.waiting import wait_until

RELEASE = RunningImage("sha256:" + "1" * 64, "flowers@sha256:" + "1" * 64, 1)
RATE = 1_000_000
NEWER = ("keepalive_min_timeout",)  # what Debian 12's nginx does not know yet


class Router:
    """Owns the life of an nginx that sends /MODEL/… to a port."""

    def __init__(self, folder: Path, model: str, port: int) -> None:
        self.folder = folder
        self.port = int(free_address().rpartition(":")[2])
        state = {model: DeployedModel(RELEASE)}
        upstreams = render.upstreams(state, RATE)
        upstreams = re.sub(r"server \S+:8080 resolve", f"server 127.0.0.1:{port}", upstreams)
        (folder / "upstreams.conf").write_text(upstreams)
        (folder / "routes.conf").write_text(render.routes(state, RATE))
        text = (FILES / "router/nginx.conf").read_text()
        text = re.sub(r"/etc/router/|/tmp/", f"{folder}/", text)
        text = text.replace("listen 8080", f"listen 127.0.0.1:{self.port}")
        text = text.replace("worker_processes auto", "worker_processes 1")
        lines = [line for line in text.splitlines() if not line.strip().startswith(NEWER)]
        (folder / "nginx.conf").write_text("\n".join(lines))

    def __enter__(self) -> Self:
        path = f"{os.environ['PATH']}:/usr/sbin"  # which is no path of a user's on Debian
        nginx = shutil.which("nginx", path=path)
        assert nginx, "nginx must be installed. Run ship/engine.sh nginx."
        with (self.folder / "access.log").open("w") as log:
            command = [nginx, "-e", "stderr", "-c", str(self.folder / "nginx.conf")]
            self.process = subprocess.Popen([*command, "-g", "daemon off;"], stdout=log)
        wait_until(self.listens, "the start of nginx")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.process.terminate()
        self.process.wait(10)

    def listens(self) -> bool:
        """Return whether nginx accepts connections; fail if it has ended."""
        assert self.process.poll() is None, "nginx ended"
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    @property
    def log(self) -> str:
        """What it logged, which nginx writes once a second."""
        return (self.folder / "access.log").read_text()
