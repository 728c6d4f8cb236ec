"""Models that are published and judged."""

from __future__ import annotations

import pytest

from contract.bundle import Bundle
from tests.support.models.shop import STUMP, Shop, flowers, good, shop

__all__ = ["good", "shop"]  # fixtures


@pytest.fixture(scope="session")
def bad(shop: Shop) -> Bundle:
    """A model that does not."""
    return shop.train(flowers(), STUMP)
