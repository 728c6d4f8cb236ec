"""Run the tests in tests/image against an image, within the limits of a hardened host."""

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

# What tests an image, and what runs it while it is tested.
TESTS = ("tests/image", "tests/conftest.py", "tests/support", "ship/build/confined.py",
         "ship/deploy/golden_check.py")  # fmt: skip


def tests_hash() -> str:
    """Return the hash of the tests; an image that passed other tests has not passed these."""
    return hash_of(named(git.TOOL, *TESTS))


def smoke(workspace: Workspace, image: str) -> int:
    """Run the tests against an image id of the engine and return how many passed.

    Raises StageError if one fails.
    """
    report = workspace.folder / "smoke.xml"
    report.unlink(missing_ok=True)
    result = command.attempt(
        sys.executable, "-m", "pytest", "-q", "--no-header", "--maxfail=3",
        "-p", "no:cacheprovider", "tests/image", f"--image={image}",
        f"--model={workspace.model}", f"--bundle={workspace.bundle}", f"--junit-xml={report}",
        folder=git.TOOL, environment={**os.environ, "MODELS": str(models.root())},
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
