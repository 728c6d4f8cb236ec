"""A fork of this repository, which a test may spoil and in which it can run `make`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import uuid
from pathlib import Path

from contract.bundle import Bundle, read
from ship import git
from ship.registry.layout import Layout
from ship.registry.oci_archive import Archive
from tests.support.checkouts.checkout import Checkout
from tests.support.names import RUN

LONG_AGO = {"GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}
MODEL = f"canary_{RUN}"  # so its images are nobody else's in the engine


class Fork(Checkout):
    """A copy of this repository with one model, whose commits are the same in every run."""

    def __init__(self, root: Path) -> None:
        for file in git.files(root=git.TOOL):
            name = file.relative_to(git.TOOL)
            if len(name.parts) < 3 or name.parts[0] != "model":
                target = root / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, target)
        (root / ".venv").symlink_to(git.TOOL / ".venv")
        self.called_from = root  # the folder in which somebody types `make -C fork …`
        super().__init__(root)
        (root / ".git/info/exclude").write_text(".venv\n")

    @property
    def bundle(self) -> Bundle:
        """The bundle that was trained."""
        return read(self.root / "dist" / MODEL / "bundle")

    @property
    def archive(self) -> Archive:
        """The image that was built."""
        return Archive(self.root / "dist" / MODEL / "image.tar")

    @property
    def published(self) -> Layout:
        """The layout that the model was published to."""
        return Layout(self.root / "dist" / "registry" / MODEL)

    def trained(self, model: str = MODEL) -> bool:
        """Tell whether the last run executed the training step rather than taking its cache."""
        log = (self.root / "dist" / model / "bundle.log").read_text()
        step = re.search(r"^#(\d+) \[(?:bundle )?trainer .*\] RUN .*--step fit", log, re.MULTILINE)
        assert step
        return f"\n#{step[1]} CACHED" not in log

    def make(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run make, without the settings of the tests around it."""
        environment = {**os.environ, **LONG_AGO, "COLUMNS": "120"}
        for name in ("REGISTRY", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
            environment.pop(name, None)
        settings = [f"{name}={value}" for name, value in variables.items()]
        return subprocess.run(
            ["make", "--no-print-directory", "-C", str(self.root), *words, *settings],
            cwd=self.called_from, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def run(self, *words: str, **variables: str) -> str:
        """Run words of the Makefile, which must succeed, and return what they print."""
        process = self.make(*words, **variables)
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout


def make_unique(module: Path) -> None:
    """Change a module as no earlier run did, whose build cache may still be on this machine."""
    module.write_text(f"{module.read_text().rstrip()}\n\n\n# {uuid.uuid4()}\n")
