"""Which versions of packages on GHCR nothing leads to any more, and to delete them."""
