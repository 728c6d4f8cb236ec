"""Logging in: the password by stdin, the user and the host as what they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship.errors import StageError, UsageError
from ship.registry import remote
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
    """Docker gets host and user as values, never as options, and the password on stdin."""
    assert login("127.0.0.1:5000/owner/models") == "logged in to 127.0.0.1:5000"
    arguments = docker.with_name("docker.arguments").read_text().splitlines()
    assert arguments == ["login", "--username=--help", "--password-stdin", "--", "127.0.0.1:5000"]
    assert docker.with_name("docker.input").read_text() == "$(secret)"


def test_login_without_a_password_reads_what_is_public(
    docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a password, as in a fork's pull request, nothing is logged in and nothing fails."""
    monkeypatch.setenv("REGISTRY_PASSWORD", "")
    assert login("ghcr.io/owner").startswith("no REGISTRY_PASSWORD")
    assert not docker.with_name("docker.arguments").exists()


@pytest.mark.parametrize(
    ("registry", "sent"),
    [("ghcr.io/octo/models", "github"), ("docker.io/octo", ""), ("ghcr.io.example.com/octo", "")],
)
def test_login_sends_githubs_token_to_githubs_registry_alone(
    registry: str, sent: str, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there is no password of the registry's own, GHCR takes a workflow's token."""
    monkeypatch.setenv("REGISTRY_PASSWORD", "")
    monkeypatch.setenv("GITHUB_TOKEN", "github")
    monkeypatch.setenv("GITHUB_ACTOR", "octocat")
    login(registry)
    received = docker.with_name("docker.input")
    assert (received.read_text() if received.exists() else "") == sent


def test_login_tells_what_docker_refused(docker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error repeats docker's reason, without the password."""
    monkeypatch.setenv("REFUSE", "unauthorized")
    with pytest.raises(StageError, match=r"ghcr\.io must take .* docker: unauthorized$"):
        login("ghcr.io/owner")


def test_login_of_a_strangers_pull_request_may_be_refused(
    docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A registry that refuses it is read without a login, which is said."""
    monkeypatch.setenv("REFUSE", "denied")
    monkeypatch.setattr(remote, "lacks_secrets", lambda: True)
    assert login("ghcr.io/owner") == (
        "ghcr.io takes no login of this pull request, so only what is public can be read"
    )


def test_login_needs_to_know_where(docker: Path) -> None:
    """A password without a REGISTRY is refused, and sent nowhere."""
    with pytest.raises(UsageError, match="REGISTRY must say where to log in"):
        login("")
