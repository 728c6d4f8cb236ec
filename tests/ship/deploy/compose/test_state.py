"""The state file, and that one deploy at a time changes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ship.deploy.compose.state import DeployedModel, RunningImage, locked, read, write
from ship.errors import StageError


def test_state_reads_back_as_written(tmp_path: Path) -> None:
    """What is deployed survives the process that deployed it."""
    state = {"iris": DeployedModel(RunningImage("sha256:1", "iris@sha256:1", 2), share=10)}
    write(tmp_path, state)
    assert read(tmp_path) == state


def test_state_of_a_new_folder_is_empty(tmp_path: Path) -> None:
    """A new folder's state has no deployment."""
    assert read(tmp_path / "new") == {}


def test_lock_refuses_a_second_deploy(tmp_path: Path) -> None:
    """While one deploy holds the lock, a second one of the project is refused."""
    with (
        locked(tmp_path),
        pytest.raises(StageError, match="Another is under way"),
        locked(tmp_path),
    ):
        pass
    with locked(tmp_path):
        pass
