"""Logging in: the password by stdin, the user and the host as what they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship.errors import StageError, UsageError
from ship.registry.remote import login

DOCKER = """\
#!/bin/sh
printf '%s\\n' "$@" >"$0.arguments"
cat >"$0.input"
[ -z "$REFUSE" ] || { echo "$REFUSE" >&2; exit 1; }
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that stands for docker, and keeps what it is told."""
    program = tmp_path / "docker"
    program.write_text(DOCKER)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("REGISTRY_USER", "--help")
    monkeypatch.setenv("REGISTRY_PASSWORD", "$(secret)")
    return program


def test_login_hands_docker_the_host_and_no_option(docker: Path) -> None:
    """Whatever the user is called; the password is in no list of processes."""
    assert login("127.0.0.1:5000/owner/models") == "logged in to 127.0.0.1:5000"
    arguments = docker.with_name("docker.arguments").read_text().splitlines()
    assert arguments == ["login", "--username=--help", "--password-stdin", "--", "127.0.0.1:5000"]
    assert docker.with_name("docker.input").read_text() == "$(secret)"


def test_login_without_a_password_reads_what_is_public(
    docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pull request of a fork has no password, and needs none."""
    monkeypatch.setenv("REGISTRY_PASSWORD", "")
    assert login("ghcr.io/owner").startswith("no REGISTRY_PASSWORD")
    assert not docker.with_name("docker.arguments").exists()


def test_login_tells_what_docker_refused(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reason is told, and the password is not."""
    monkeypatch.setenv("REFUSE", "unauthorized")
    with pytest.raises(StageError, match=r"ghcr\.io must take .* docker: unauthorized$"):
        login("ghcr.io/owner")


def test_login_needs_to_know_where(docker: Path) -> None:
    """A password is sent nowhere by default."""
    with pytest.raises(UsageError, match="REGISTRY must say where to log in"):
        login("")
