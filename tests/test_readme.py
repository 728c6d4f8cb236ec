"""The README's commands, run as they stand there."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from contract.bundle import read
from ship import git, settings
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


# Variables of others: of GitHub's runners, of desktops, of buildx and of skopeo.
FOREIGN = re.compile(
    r"(GITHUB|ACTIONS|RUNNER|XDG)_[A-Z_]+|BUILDX_BUILDER|DOCKER_CONFIG|REGISTRY_AUTH_FILE"
)
READ = re.compile(r'environ(?:\.get\(|\[)"([A-Z_]+)"|"([A-Z_]+)" (?:not )?in (?:os\.)?environ')


def test_readmes_name_every_variable_that_ship_reads() -> None:
    """Each setting of the commands is explained where a user or a workflow's author looks."""
    sources = "".join(file.read_text() for file in git.files("ship/*.py", root=git.TOOL))
    read = {name for groups in READ.findall(sources) for name in groups if name}
    assert {"COSIGN_KEY", "COSIGN_IDENTITY", "BRANCH"} <= read
    pages = "".join(file.read_text() for file in git.files("*README.md", root=git.TOOL))
    explained = set(re.findall(r"`([A-Z_]+)`", pages))
    missing = {*settings.CHECKS, *read} - explained
    assert {name for name in missing if not FOREIGN.fullmatch(name)} == set()
