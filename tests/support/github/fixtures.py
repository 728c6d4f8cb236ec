"""The API that stands for GitHub's, and the environment of a job that talks to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ship.github.api import GitHub
from tests.support.github.fake import REPOSITORY, TOKEN, State, github
from tests.support.github.ghcr import Ghcr
from tests.support.images.oci_archives import MakeArchive


@pytest.fixture
def state() -> Iterator[State]:
    """What GitHub knows."""
    with github() as state:
        yield state


@pytest.fixture
def client(state: State, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    """The client as a job makes it."""
    monkeypatch.setenv("GITHUB_API_URL", state.url)
    monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    return GitHub.from_environment()


@pytest.fixture
def started_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], None]:
    """Say what started the workflow."""

    def write(event: dict[str, Any]) -> None:
        (tmp_path / "event.json").write_text(json.dumps(event))
        monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))

    return write


@pytest.fixture
def ghcr(registry: str, state: State, make_archive: MakeArchive) -> Ghcr:
    """An empty package in a real registry."""
    return Ghcr(registry, state, make_archive)
