"""A checkout for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.checkouts.checkout import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """An empty git repository on branch main."""
    (tmp_path / "checkout").mkdir()
    return Checkout(tmp_path / "checkout")
