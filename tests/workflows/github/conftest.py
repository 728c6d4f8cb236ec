"""A fork of which GitHub knows something new in every test, and whose model nobody has to train."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.checkouts.fork import Fork
from tests.support.github.fake import State
from tests.support.github.fixtures import state
from tests.workflows.act import Act

__all__ = ["state"]  # of each test, where that of the other workflows is of a module


@pytest.fixture
def hub(state: State, tmp_path: Path) -> Act:
    """Workflows of the fork."""
    (tmp_path / "fork").mkdir()
    fork = Fork(tmp_path / "fork")
    fork.commit(model__iris__model_dot_toml="")
    return Act(fork, tmp_path, state, {})
