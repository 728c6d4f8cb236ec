"""The published model that a new one is held against, read from where it would be published."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from judge.judge import Published
from model.bundle import Bundle, BundleError, read
from ship import contents
from ship.ask import ask_graph, ask_image
from ship.build import run
from ship.destination import Destination
from ship.errors import ShipError
from ship.layout import Layout
from ship.tags import Version, parse

MAIN = "main"
BUNDLE = "/bundle"


@dataclass(frozen=True)
class Baseline:
    """A published image, as files: its bundle, and the layout that its blobs are in.

    `digest` is what its tag names; `here`, in the layout, may be one platform's image of that.
    """

    model: str
    reference: str
    digest: str
    bundle: Bundle
    layout: Layout
    tag: str
    here: str

    @cached_property
    def image(self) -> str:
        """The name of the image in the engine, put there on first use."""
        name = f"{self.model}:published"
        with tempfile.TemporaryDirectory() as folder:
            archive = f"{folder}/image.tar"
            source = f"oci:{self.layout.folder}:{self.tag}"
            run("skopeo", "copy", "--quiet", source, f"docker-archive:{archive}:{name}")
            run("docker", "load", "--quiet", "--input", archive)
        return name

    def remove(self) -> None:
        """Take the image out of the engine again; it comes back when it is needed."""
        if "image" in self.__dict__:
            command = ["docker", "rmi", "--force", self.image]
            subprocess.run(command, capture_output=True, check=False)
            del self.__dict__["image"]

    @property
    def compressed_size(self) -> int:
        return sum(layer["size"] for layer in self.manifest["layers"])

    @property
    def manifest(self) -> dict[str, Any]:
        return contents.manifest(self.layout.read, self.here)

    @property
    def architecture(self) -> str:
        config = json.loads(self.layout.read(self.manifest["config"]["digest"]))
        return str(config["architecture"])

    def published(self) -> Published:
        """Return what the judge needs to know."""
        if self.bundle.manifest.runtime == "onnx":
            ask = partial(ask_graph, self.bundle)
        else:
            ask = partial(ask_image, lambda: self.image)
        return Published(self.bundle, self.digest, self.reference, ask)


class Unreadable(ShipError):  # noqa: N818 - a finding, told in the report
    """A published image whose bundle this revision cannot read."""


def newest(target: Destination, model: str) -> str | None:
    """Return the tag to compare with: main, else the newest release, else none."""
    tags = target.tags()
    if MAIN in tags:
        return MAIN
    releases = [found for tag in tags if (found := release(tag, model))]
    return str(max(releases)) if releases else None


def release(tag: str, model: str) -> Version | None:
    found = parse(f"v{tag}", model)
    return None if found is None or found.pre else found


def fetch(target: Destination, model: str, tag: str, into: Path) -> Baseline:
    """Read the image of `tag` without running it; its bundle is written below `into`."""
    layout, name = target.local(tag, into / "image")
    digest = target.digest_of(tag)
    if digest is None:
        raise ShipError(f"{target}:{tag} must be published. It is not; see: make models")
    here = layout.digest_of(name) or digest
    bundle = write(contents.folder(layout.read, here, BUNDLE), into / "bundle")
    try:
        return Baseline(model, f"{target}:{tag}", digest, read(bundle), layout, name, here)
    except BundleError as error:
        raise Unreadable(f"{target}:{tag} cannot be read by this revision: {error}") from error


def write(files: dict[str, bytes], folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / Path(name).name).write_bytes(content)  # a bundle is flat
    return folder
