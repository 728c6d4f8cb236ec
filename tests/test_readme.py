"""The README's commands, run as they stand there."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from contract.bundle import read
from ship import git
from ship.build.engine import load
from tests.conftest import build_model
from tests.image.container import docker

PORT = "18080"  # in place of the README's 8080, which may be taken


def shell(command: str) -> str:
    result = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, cwd=git.ROOT
    )
    return result.stdout


@pytest.mark.docker
def test_readme_runs_and_queries_an_image(python_image: str) -> None:
    """The two commands after `make pipeline` start the service and get an answer."""
    built = build_model("iris", python_image)
    readme = (git.ROOT / "README.md").read_text()
    found = re.search(r"(docker run .*)\n(curl .*)", readme)
    assert found
    run, query = (
        line.replace(f"{built.model}:dev", load(built.archive)).replace("8080:", f"{PORT}:")
        for line in found.groups()
    )
    query = query.replace(":8080", f":{PORT}")
    try:
        assert shell(run)
        assert json.loads(shell(query))["prediction"] in (read(built.bundle).manifest.classes or [])
    finally:
        docker("rm", "--force", built.model)
