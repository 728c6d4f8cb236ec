"""The README's commands, run as they stand there."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from contract.bundle import read
from ship import git
from ship.build.engine import load
from tests.conftest import BuildModel
from tests.image.container import docker
from tests.support.names import RUN, free_address


def shell(command: str) -> str:
    """Run a command as the README has it, and return what it prints."""
    result = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, cwd=git.TOOL
    )
    return result.stdout


@pytest.mark.engine
def test_readme_runs_and_queries_an_image(build_model: BuildModel) -> None:
    """The two commands after `make pipeline` start the service and get an answer."""
    built = build_model("iris")
    readme = (git.TOOL / "README.md").read_text()
    commands = re.search(r"(docker run .*)\n(curl .*)", readme)
    assert commands
    address, name = free_address(), f"readme-{RUN}"
    run, query = (line.replace("--publish 8080:", f"--publish {address}:")
                  .replace("localhost:8080", address)
                  .replace(f"{built.model}:dev", load(built.archive))
                  .replace(f"--name {built.model}", f"--name {name}")
                  for line in commands.groups())  # fmt: skip
    assert name in run
    assert address in run
    assert address in query
    try:
        assert shell(run)
        assert json.loads(shell(query))["prediction"] in (read(built.bundle).manifest.classes or [])
    finally:
        docker("rm", "--force", name)
