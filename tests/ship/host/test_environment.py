"""`make` installs what a lock file names, by hash, from where pip would take it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ship import git
from ship.errors import ShipError, UsageError
from ship.host import environment
from ship.host.environment import INSTALLED, UV, uv_environment
from ship.host.pip_secrets import CA_VARIABLES, pip_settings

KINDS = ("publish", "pipeline", "dev")


@pytest.fixture(autouse=True)
def no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from a machine that names no certificates."""
    for name in CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("setting", "value", "variable", "expected"),
    [
        ("index-url", "https://u:p@index.example/simple", "UV_DEFAULT_INDEX",
         "https://u:p@index.example/simple"),
        ("extra-index-url", "\\nhttps://a.example\\nhttps://b.example", "UV_INDEX",
         "https://a.example https://b.example"),
        ("extra-index-url", "https://a.example", "UV_INDEX_STRATEGY", "unsafe-best-match"),
        ("find-links", "/wheels /more", "UV_FIND_LINKS", "/wheels,/more"),
        ("trusted-host", "a.example", "UV_INSECURE_HOST", "a.example"),
        ("proxy", "http://proxy.example:3128", "ALL_PROXY", "http://proxy.example:3128"),
        ("default-timeout", "180", "UV_HTTP_TIMEOUT", "180"),
    ],
)  # fmt: skip
def test_uv_is_told_what_pip_is_set_to(
    setting: str, value: str, variable: str, expected: str
) -> None:
    """The settings of pip's index, proxy and certificates become those of uv."""
    assert uv_environment({setting: value}, {})[variable] == expected


def test_uv_trusts_the_authority_that_pip_trusts(tmp_path: Path) -> None:
    """The tool uv trusts pip's certificate authority or, without one, the system's."""
    authority = tmp_path / "ca.crt"
    authority.write_text("certificate")
    environment = uv_environment({"cert": str(authority)}, {"SSL_CERT_FILE": "/elsewhere"})
    assert environment["SSL_CERT_FILE"] == str(authority)
    assert uv_environment({}, {}) == {"UV_SYSTEM_CERTS": "true"}


def test_environment_is_made_where_nothing_is_installed() -> None:
    """What makes .venv starts in a bare interpreter, as on a machine that has just cloned this."""
    command = [sys.executable, "-S", "-E", "-c", "import ship.host.environment"]
    subprocess.run(command, cwd=git.TOOL, check=True)


def test_uvs_own_settings_count_more_than_pips() -> None:
    """A setting made for uv overrides pip's."""
    environment = uv_environment({"index-url": "https://a"}, {"UV_DEFAULT_INDEX": "https://b"})
    assert environment["UV_DEFAULT_INDEX"] == "https://b"


@pytest.mark.parametrize("kind", KINDS)
def test_lock_holds_the_uv_that_installs_it(kind: str) -> None:
    """A bare machine gets uv from the lock file too, by hash, and nothing beside it."""
    locked = UV.search((git.TOOL / f"requirements-{kind}.txt").read_text())
    assert locked
    assert locked[0].count("==") == 1
    assert "--hash=sha256:" in locked[0]


def write_wheel(folder: Path, name: str) -> str:
    """Write a wheel with nothing in it, and return the line of a lock file that pins it."""
    wheel = folder / f"{name}-1-py3-none-any.whl"
    info = f"{name}-1.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return f"{name}==1 --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment with uv and no package, on a machine whose pip takes the wheels beside it."""
    uv = shutil.which("uv")
    assert uv
    subprocess.run([uv, "venv", "--quiet", tmp_path / ".venv"], check=True)
    (tmp_path / ".venv/bin/uv").symlink_to(uv)
    settings = {"find-links": str(tmp_path), "no-index": "true"}
    monkeypatch.setattr(environment, "pip_settings", lambda _: settings)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_environment_becomes_that_of_the_lock(folder: Path) -> None:
    """Missing packages are installed, others removed, and the lock file is kept as the record."""
    lock = folder / "lock.txt"
    for content in (write_wheel(folder, "one") + write_wheel(folder, "two"),
                    write_wheel(folder, "two")):  # fmt: skip
        lock.write_text(content)
        environment.make(lock)
        assert (folder / ".venv" / INSTALLED).read_text() == content
    assert [path.name for path in folder.glob(".venv/lib/*/site-packages/*-1.dist-info")] == [
        "two-1.dist-info"
    ]


def test_environment_refuses_a_package_of_another_hash(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A package of another hash is refused, and the environment does not count as made."""
    lock = folder / "lock.txt"
    lock.write_text(write_wheel(folder, "one").replace("sha256:", "sha256:0")[:-2])
    with pytest.raises(ShipError, match="uv must succeed"):
        environment.make(lock)
    assert "Hash mismatch" in capfd.readouterr().out
    assert not (folder / ".venv" / INSTALLED).exists()


def test_environment_of_others_is_left_alone(tmp_path: Path, folder: Path) -> None:
    """A .venv that is a link is refused, and what it leads to is left as it is."""
    (folder / "other").mkdir()
    os.chdir(folder / "other")
    Path(".venv").symlink_to(folder / ".venv")
    Path("lock.txt").write_text(write_wheel(tmp_path, "one"))
    with pytest.raises(UsageError, match=r"must be a folder to be changed. Got a link"):
        environment.make(Path("lock.txt"))


@pytest.mark.parametrize(
    ("part", "installed", "made"),
    [
        ("publish-environment", "", ["publish"]),
        ("publish-environment", "publish", []),
        ("publish-environment", "pipeline", []),
        ("environment", "publish", ["pipeline"]),
        ("environment", "", ["pipeline"]),
        ("environment", "pipeline", []),
        ("environment", "dev", []),  # which has all that the main job needs
        ("dev-environment", "pipeline", ["dev"]),
        ("dev-environment", "dev", []),
    ],
)
def test_environment_is_made_where_none_serves(
    part: str, installed: str, made: list[str], tmp_path: Path
) -> None:
    """An environment that includes what is asked for is kept; otherwise it is made."""
    for kind in KINDS:
        (tmp_path / f"requirements-{kind}.txt").write_text(kind)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / INSTALLED).write_text(installed)
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\n[ "$1" = -c ] || echo "$3" >>made\n')
    python.chmod(0o755)
    environ = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
    subprocess.run([git.TOOL / "ship/engine.sh", part], cwd=tmp_path, env=environ, check=True)
    log = tmp_path / "made"
    assert (log.read_text().splitlines() if log.exists() else []) == [
        f"requirements-{kind}.txt" for kind in made
    ]


@pytest.mark.nightly
@pytest.mark.parametrize("kind", KINDS)
def test_lock_names_a_wheel_of_each_package_for_arm64(kind: str, tmp_path: Path) -> None:
    """A machine of either architecture installs what is locked, and compiles nothing."""
    command: list[str | Path] = [
        git.TOOL / ".venv/bin/uv", "pip", "install", "--dry-run", "--quiet", "--only-binary=:all:",
        "--python-platform=aarch64-unknown-linux-gnu", "--python", sys.executable,
        f"--target={tmp_path}", f"--requirement={git.TOOL / f'requirements-{kind}.txt'}",
    ]  # fmt: skip
    resolved = subprocess.run(
        command, check=False, capture_output=True, text=True,
        env=uv_environment(pip_settings(Path(sys.executable)), os.environ),
    )  # fmt: skip
    assert resolved.returncode == 0, resolved.stderr
