"""Bundles and servers that live as long as the session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract import bundle as bundles
from contract.bundle import Bundle
from tests.support.servers.bundles import (
    birds,
    flowers,
    odd,
    patients,
    payments,
    sizes,
    tags,
    visits,
)
from tests.support.servers.server import Server


def joblib_flowers(path: Path) -> Path:
    """Write the bundle of flowers as a pickle."""
    return flowers(path, runtime="joblib")


def joblib_payments(path: Path) -> Path:
    """Write the bundle of payments as a pickle."""
    return payments(path, runtime="joblib")


KINDS: dict[str, Callable[[Path], Path]] = {
    "flowers": flowers,
    "birds": birds,
    "patients": patients,
    "odd": odd,
    "joblib": joblib_flowers,
    "visits": visits,
    "payments": payments,
    "joblib payments": joblib_payments,
    "sizes": sizes,
    "tags": tags,
}
# Of either runtime; a column of every kind; classes, anomalies, and several targets.
EVERY_DAY = ("flowers", "visits", "payments", "sizes")


@pytest.fixture(scope="session")
def make_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make a bundle of a kind once."""
    root = tmp_path_factory.mktemp("bundles")

    def make(kind: str) -> Path:
        path = root / kind
        return path if path.exists() else KINDS[kind](path)

    return make


@pytest.fixture(
    scope="session",
    params=[
        kind if kind in EVERY_DAY else pytest.param(kind, marks=pytest.mark.nightly)
        for kind in KINDS
    ],
)
def any_bundle(request: pytest.FixtureRequest, make_bundle: Callable[[str], Path]) -> Bundle:
    """Each kind of bundle in turn."""
    return bundles.read(make_bundle(request.param))


@pytest.fixture(scope="session")
def any_server(any_bundle: Bundle) -> Iterator[Server]:
    """A server of each kind of bundle in turn."""
    with Server(any_bundle.path) as server:
        yield server


@pytest.fixture(scope="session")
def flowers_server(make_bundle: Callable[[str], Path]) -> Iterator[Server]:
    """A server of flowers, which all tests share."""
    with Server(make_bundle("flowers")) as server:
        yield server


@pytest.fixture(scope="session")
def birds_server(make_bundle: Callable[[str], Path]) -> Iterator[Server]:
    """A server of birds, which all tests share."""
    with Server(make_bundle("birds")) as server:
        yield server


@pytest.fixture(scope="session")
def small_server(make_bundle: Callable[[str], Path]) -> Iterator[Server]:
    """A server with low limits."""
    limits = {"MAX_BODY_BYTES": 1000, "MAX_ROWS": 3, "REQUEST_SECONDS": 0.5}
    with Server(make_bundle("flowers"), **limits) as server:
        yield server
