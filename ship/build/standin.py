"""Make an image from Debian packages where the pinned one cannot be pulled."""

from __future__ import annotations

import hashlib
import os
import shutil
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ship import command, git
from ship.errors import ShipError, StageError
from ship.host.runner import is_hosted

UNNEEDED = ("usr/share/doc/*", "usr/share/man/*", "usr/share/info/*", "usr/share/locale/*")


@dataclass(frozen=True)
class StandIn:
    """The recipe of an image; `{site}` in a hook stands for the site-packages of this Python."""

    role: str  # what it is used as, in messages
    name: str
    suite: str
    packages: tuple[str, ...]
    dockerfile: str
    hooks: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        """The image's name, with a hash of its recipe, so that a changed recipe is a new image."""
        recipe = [self.dockerfile, *self.bootstrap(Path("rootfs.tar"), Path("site-packages"))]
        return f"{self.name}-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]}"

    def bootstrap(self, rootfs: Path, site: Path) -> list[str]:
        """Return the command that makes the root file system."""
        hooks = [hook.replace("{site}", str(site)) for hook in self.hooks]
        return [
            "mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(self.packages)}",
            *self.options,
            *(f"--dpkgopt=path-exclude=/{path}" for path in UNNEEDED),
            *(f"--customize-hook={hook}" for hook in hooks),
            self.suite, str(rootfs),
        ]  # fmt: skip

    def build(self, pinned: str) -> None:
        """Make the image in the engine, in place of `pinned`."""
        if not shutil.which("mmdebstrap"):
            command.follow(git.TOOL / "ship/engine.sh", "mmdebstrap", line=show)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "Dockerfile").write_text(self.dockerfile)
            site = Path(sysconfig.get_path("purelib"))
            run(self.bootstrap(Path(folder, "rootfs.tar"), site), pinned)
            build = ["docker", "buildx", "build", "--provenance=false", "--load"]
            run([*build, "--tag", self.tag, folder], pinned)


def resolve(pinned: str, stand_in: StandIn) -> str:
    """Return the pinned image, or its stand-in, which one printed line names.

    Raises StageError on a machine of GitHub's, which reaches every registry: there a failed pull is
    a fault that passes, and what is published from there is built on the pinned image.
    """
    if exists("image", "inspect", pinned):
        return pinned
    pull = command.attempt("docker", "pull", "--quiet", pinned)
    if pull.succeeded:
        return pinned
    role = stand_in.role
    if is_hosted():
        raise StageError(
            f"{pinned} must be pulled on a machine of GitHub's. Got instead from docker: "
            f"{pull.reason}\nRun the job again, or set a mirror (PYTHON_IMAGE, ROUTER_IMAGE, "
            "PROMETHEUS_IMAGE)."
        )
    if not exists("image", "inspect", stand_in.tag):
        print(f"{role}: {pinned} cannot be reached: building a stand-in from Debian packages")
        stand_in.build(pinned)
    print(f"{role}: using {stand_in.tag}, a stand-in for {pinned}")
    return stand_in.tag


def show(line: str) -> None:
    """Print a line at once."""
    print(line, end="", flush=True)


def exists(*arguments: str) -> bool:
    """Return whether a docker command succeeds."""
    return command.attempt("docker", *arguments).succeeded


def run(words: list[str], pinned: str) -> None:
    """Run a step of the making of a stand-in; raise ShipError if it fails."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0"}
    result = command.attempt(*words, environment=environment)
    if not result.succeeded:
        raise ShipError(
            f"A stand-in for {pinned} could not be built: {words[0]} said "
            f"{result.reason}\nGive this machine a way to pull {pinned}, or set "
            "the image to one it can pull (PYTHON_IMAGE, ROUTER_IMAGE, PROMETHEUS_IMAGE)."
        )
