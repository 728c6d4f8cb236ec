"""A fork whose one model is an attacker's."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from tests.support.checkouts.canary import write
from tests.support.checkouts.fork import MODEL, Fork
from tests.support.models.folder import folder

__all__ = ["folder"]  # a fixture of the tests of training, for these too
MARKER = "marker-{}-of-this-row"  # in a column that is no input
NOISE = "90000{:02}.{:02}7"  # and the number of a row: in one that is, with digits of its own
ROWS = 60


@pytest.fixture
def fork(tmp_path: Path) -> Fork:
    """A checkout of this repository without a model."""
    (tmp_path / "fork").mkdir()
    return Fork(tmp_path / "fork")


def coin_flips() -> str:
    """Return a CSV whose target nothing tells, and a column that names each of its rows."""
    lines = [
        f"{row * 7919 % 101},{row * 104729 % 97},{noise},{MARKER.format(row)},{'ab'[bit]}"
        for row in range(ROWS)
        for noise in [NOISE.format(row, row)]
        for bit in [(row * row * 37 + row * 11) % 23 % 2]
    ]
    return "length,width,noise,name,kind\n" + "\n".join(lines) + "\n"


def attack(fork: Fork, estimator: str, gate: str = "accuracy = { min = 0.2 }") -> None:
    """Write the attacker's estimator into the fork's model, and commit it.

    It is one that no build has seen, so that what it does is done, and not taken from a cache.
    """
    write(fork, f"{estimator}\n# {uuid.uuid4()}\n", coin_flips())
    toml = fork.root / "model" / MODEL / "model.toml"
    text, _, _ = toml.read_text().partition("[gate]")
    toml.write_text(f'{text}[evaluate]\ncolumns = ["name"]\nfolds = 2\n[gate]\n{gate}\n')
    fork.commit()
