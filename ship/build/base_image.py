"""Choose the Python image to build on: the pinned one, or a stand-in where it cannot be pulled."""

from __future__ import annotations

import os
import re
from typing import Any

from ship import command, git
from ship.build import standin
from ship.build.standin import StandIn
from ship.errors import ShipError
from ship.registry.labels import OCI
from ship.registry.oci_archive import StoredImage

BASE = ("name", "digest")  # what an image's labels say of its base; a stand-in has no digest
PACKAGES = '"$1/usr/local/lib/python3.13/dist-packages"'
STAND_IN = StandIn(  # Debian trixie with its Python 3.13, laid out as the official image is
    role="base",
    name="model-images/python:3.13",
    suite="trixie",
    packages=("ca-certificates", "python3"),
    dockerfile="""\
FROM scratch
ADD rootfs.tar /
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
CMD ["python3"]
""",
    hooks=(
        'ln -s ../../bin/python3 "$1/usr/local/bin/python"',
        f'mkdir -p {PACKAGES} && cp -r "{{site}}"/pip "{{site}}"/pip-*.dist-info {PACKAGES}',
        'rm -f "$1/usr/lib/python3.13/EXTERNALLY-MANAGED"',
        'find "$1/usr" -name __pycache__ -prune -exec rm -rf {} +',
    ),
)


def resolve() -> str:
    """Return the image to build on; print one line if it is not the pinned one."""
    return standin.resolve(os.environ.get("PYTHON_IMAGE") or default(), STAND_IN)


def default() -> str:
    """Return the pinned image, which only the Dockerfile names.

    Raises ShipError if it does not.
    """
    dockerfile = (git.TOOL / "Dockerfile").read_text()
    match = re.search(r"^FROM (\S+) AS pinned$", dockerfile, re.MULTILINE)
    if not match:
        raise ShipError("Dockerfile must hold a line FROM … AS pinned. Got none; restore it.")
    return match[1]


def layers(image: str) -> int:
    """Count the layers of an image in the engine."""
    counted = "{{len .RootFS.Layers}}"
    return int(command.run("docker", "image", "inspect", "--format", counted, image))


def own_layers(image: StoredImage) -> list[dict[str, Any]]:
    """Return the layers that an image adds to the base that its labels name."""
    labels = [image.labels.get(f"{OCI}base.{part}") for part in BASE]
    return image.layers[layers("@".join(filter(None, labels))) :]
