"""The settings of pip that a build needs, passed on without leaving them in an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship.host.pip_secrets import CA_VARIABLES, build_secrets


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from a machine without package index settings of its own."""
    for name in (*CA_VARIABLES, "PIP_INDEX_URL", "PIP_DEFAULT_TIMEOUT", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")


def test_secrets_are_off_when_nothing_is_set() -> None:
    """A machine with direct access passes no secret at all."""
    with build_secrets() as variables:
        assert variables == {"CA_BUNDLE": ""}


def test_secrets_carry_the_package_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package index with its password reaches the build in a file that is gone afterwards."""
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:word@index.example/simple")
    with build_secrets() as variables:
        file = Path(variables["PIP_CONFIG"])
        assert file.read_text() == "[global]\nindex-url = https://user:word@index.example/simple\n"
        assert file.stat().st_mode & 0o077 == 0
    assert not file.exists()


def test_secrets_carry_a_private_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CA bundle named by environment is a secret, and pip is told where the build finds it."""
    authority = tmp_path / "ca.crt"
    authority.write_text("certificate")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority))
    with build_secrets() as variables:
        assert variables["CA_BUNDLE"] == str(authority)
        assert Path(variables["PIP_CONFIG"]).read_text() == "[global]\ncert = /run/secrets/ca\n"


def test_secrets_leave_out_paths_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of wheels on the host means nothing inside the build."""
    monkeypatch.setenv("PIP_FIND_LINKS", "/some/folder")
    with build_secrets() as variables:
        assert "PIP_CONFIG" not in variables
