"""The Python image to build on: the pinned one, or a stand-in where it cannot be pulled."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from ship import git
from ship.errors import ShipError

UNNEEDED = ("usr/share/doc/*", "usr/share/man/*", "usr/share/info/*", "usr/share/locale/*")
STAND_IN_DOCKERFILE = """\
FROM scratch
ADD rootfs.tar /
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
CMD ["python3"]
"""


def resolve() -> str:
    """Return the image to build on, said in one line where it is not the pinned one."""
    pinned = os.environ.get("PYTHON_IMAGE") or default()
    if exists("image", "inspect", pinned) or exists("pull", "--quiet", pinned):
        return pinned
    stand_in = stand_in_name()
    if not exists("image", "inspect", stand_in):
        print(f"base: {pinned} cannot be reached: building a stand-in from Debian packages")
        build_stand_in(stand_in)
    print(f"base: building on {stand_in}, a stand-in for {pinned}")
    return stand_in


def stand_in_name() -> str:
    """Name the stand-in after its recipe, so that a changed recipe is a new image."""
    recipe = [STAND_IN_DOCKERFILE, *bootstrap(Path("rootfs.tar"), Path("site-packages"))]
    return f"model-images/python:3.13-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]}"


def default() -> str:
    """Read the one place where the pinned image is written: the Dockerfile."""
    dockerfile = (git.ROOT / "Dockerfile").read_text()
    found = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    if not found:
        raise ShipError("Dockerfile must hold a line ARG PYTHON_IMAGE=…. Got none; restore it.")
    return found[1]


def exists(*command: str) -> bool:
    result = subprocess.run(["docker", *command], capture_output=True, check=False)
    return result.returncode == 0


def layers(image: str) -> int:
    """Count the layers of an image in the engine."""
    command = ["docker", "image", "inspect", "--format", "{{len .RootFS.Layers}}", image]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def build_stand_in(name: str) -> None:
    """Build Debian trixie with its Python 3.13, laid out as the official image is."""
    if not shutil.which("mmdebstrap"):
        subprocess.run([git.ROOT / "ship/engine.sh", "mmdebstrap"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "Dockerfile").write_text(STAND_IN_DOCKERFILE)
        site = Path(sysconfig.get_path("purelib"))
        run(bootstrap(Path(folder, "rootfs.tar"), site), "mmdebstrap")
        run(["docker", "buildx", "build", "--provenance=false", "--load",
             "--tag", name, folder], "docker")  # fmt: skip


def bootstrap(rootfs: Path, site: Path) -> list[str]:
    """Return the command that makes the root file system; pip comes from `site`."""
    packages = '"$1/usr/local/lib/python3.13/dist-packages"'
    hooks = (
        'ln -s ../../bin/python3 "$1/usr/local/bin/python"',
        f'mkdir -p {packages} && cp -r "{site}"/pip "{site}"/pip-*.dist-info {packages}',
        'rm -f "$1/usr/lib/python3.13/EXTERNALLY-MANAGED"',
        'find "$1/usr" -name __pycache__ -prune -exec rm -rf {} +',
    )
    return [
        "mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates,python3",
        *(f"--dpkgopt=path-exclude=/{path}" for path in UNNEEDED),
        *(f"--customize-hook={hook}" for hook in hooks),
        "trixie", str(rootfs),
    ]  # fmt: skip


def run(command: list[str], name: str) -> None:
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        raise ShipError(
            f"The stand-in base image could not be built: {name} said "
            f"{result.stderr.strip()[-600:]}\nSet PYTHON_IMAGE to a Python 3.13 image you can pull."
        )
