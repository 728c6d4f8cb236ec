"""The base image: the one that is set, the pinned one, or a stand-in."""

from __future__ import annotations

import subprocess

import pytest

from ship.build import base_image
from ship.errors import StageError
from tests.image.container import docker

UNREACHABLE = "127.0.0.1:9/python:3.13"


@pytest.mark.engine
def test_base_is_the_configured_image_where_it_can_be_pulled(
    python_image: str,
    registry: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A mirror's image, by digest, is pulled and built on, and nothing more is said."""
    name = f"{registry}/mirror/python"
    docker("tag", python_image, f"{name}:3.13")
    docker("push", "--quiet", f"{name}:3.13")
    pushed = [
        "skopeo",
        "inspect",
        "--tls-verify=false",
        "--format={{.Digest}}",
        f"docker://{name}:3.13",
    ]
    digest = subprocess.run(pushed, capture_output=True, text=True, check=True).stdout.strip()
    docker("rmi", f"{name}:3.13")
    monkeypatch.setenv("PYTHON_IMAGE", f"{name}@{digest}")
    try:
        assert base_image.resolve() == f"{name}@{digest}"
        assert base_image.layers(f"{name}@{digest}") == base_image.layers(python_image)
    finally:
        docker("rmi", f"{name}@{digest}")
    assert capfd.readouterr().out == ""


@pytest.mark.engine
def test_base_falls_back_to_the_stand_in_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """An image that cannot be pulled is replaced by one from Debian packages, which is said."""
    monkeypatch.setenv("PYTHON_IMAGE", UNREACHABLE)
    assert base_image.resolve() == base_image.STAND_IN.tag
    *_, last = capfd.readouterr().out.splitlines()
    assert last == f"base: using {base_image.STAND_IN.tag}, a stand-in for {UNREACHABLE}"
    version = docker("run", "--rm", base_image.STAND_IN.tag, "python", "--version")
    assert version.startswith("Python 3.13.")


@pytest.mark.engine
def test_base_is_never_a_stand_in_on_githubs_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pull that fails there ends the job with docker's reason and the cure."""
    monkeypatch.setenv("PYTHON_IMAGE", UNREACHABLE)
    monkeypatch.setenv("RUNNER_ENVIRONMENT", "github-hosted")
    with pytest.raises(StageError, match=r"must be pulled on .*connect.*\n.*PYTHON_IMAGE"):
        base_image.resolve()
