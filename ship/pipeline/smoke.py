"""Run the tests in tests/image against an image, within the limits of a hardened host."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from contract import models
from contract.console import printable
from ship import command, git
from ship.build.inputs import hash_of, named
from ship.build.workspace import Workspace
from ship.errors import StageError
from ship.files.bounded import read_file
from ship.files.replace import replace_file

# What tests an image, and what runs it while it is tested.
TESTS = ("tests/image", "tests/conftest.py", "tests/support", "ship/host/confined.py",
         "ship/deploy/golden_check.py")  # fmt: skip
ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # else each plugin that is installed takes its time
MOST = 8  # lines of the reason why a test failed; the log has them all


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
        f"--model={workspace.model}", f"--results={workspace.dist}", f"--junit-xml={report}",
        folder=git.TOOL, environment={**os.environ, **ALONE, "MODELS": str(models.root())},
    )  # fmt: skip
    output = printable(result.stdout + result.stderr)
    replace_file(workspace.folder / "smoke.log", output.encode())
    suite = read_suite(report) if report.exists() else None
    if suite is None or not result.succeeded:
        ended = [f"pytest ended with exit code {result.returncode}"]
        reasons = ended if suite is None else failures(suite)
        raise StageError("\n".join([*reasons, f"The whole log: {workspace.folder / 'smoke.log'}"]))
    return int(suite.attrib["tests"]) - int(suite.attrib["skipped"])


def read_suite(report: Path) -> ET.Element:
    """Return the suite of tests in pytest's report, as JUnit XML.

    pytest escapes what an image has answered. Raises StageError where a document type has come in
    all the same, whose entities could expand without an end.
    """
    content = read_file(report)
    if b"<!DOCTYPE" in content:
        raise StageError(f"{report} must hold no document type. Got one; see who wrote it.")
    return ET.fromstring(content)[0]  # noqa: S314  # without a document type there is no entity


def failures(suite: ET.Element) -> Iterator[str]:
    """Yield the name of each test that failed, and the first lines of the reason."""
    for case in suite.iter("testcase"):
        for failure in (*case.iter("failure"), *case.iter("error")):
            lines = failure.attrib["message"].splitlines()
            yield "\n".join([f"{case.attrib['name']}: {lines[0]}", *lines[1:MOST]])
