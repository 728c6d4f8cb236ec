"""Small real models, trained from tables made here."""

from tests.support.models.shop import good, shop

__all__ = ["good", "shop"]  # fixtures
