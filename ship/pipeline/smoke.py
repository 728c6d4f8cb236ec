"""Smoke-test the image as a hostile host runs it: the tests in tests/image, against this image."""

from __future__ import annotations

import os
import sys
from xml.etree import ElementTree as ET

from contract import models
from contract.console import printable
from ship import command, git
from ship.build.inputs import hash_of, named
from ship.build.workspace import Workspace
from ship.errors import StageError
from ship.files.replace import replace_file


def tests_hash() -> str:
    """Digest the tests themselves: an image that passed other tests has not passed these."""
    return hash_of(named(git.ROOT, "tests/image", "tests/conftest.py"))


def smoke(workspace: Workspace, image: str) -> int:
    """Run the image tests against an id in the engine; return how many passed, or raise."""
    report = workspace.folder / "smoke.xml"
    report.unlink(missing_ok=True)
    result = command.attempt(
        sys.executable, "-m", "pytest", "-q", "--no-header", "--maxfail=3",
        "-p", "no:cacheprovider", "tests/image", f"--image={image}",
        f"--model={workspace.model}", f"--bundle={workspace.bundle}", f"--junit-xml={report}",
        folder=git.ROOT, environment={**os.environ, "MODELS": str(models.root())},
    )  # fmt: skip
    output = printable(result.stdout + result.stderr)
    replace_file(workspace.folder / "smoke.log", output.encode())
    if not result.succeeded:
        lines = [line for line in result.stdout.splitlines() if line.startswith(("E  ", "FAILED"))]
        raise StageError(
            "\n".join([*lines[-12:], f"The whole log: {workspace.folder / 'smoke.log'}"])
        )
    suite = ET.parse(report).getroot()[0]  # noqa: S314  # our own file, just written
    return int(suite.attrib["tests"]) - int(suite.attrib["skipped"])
