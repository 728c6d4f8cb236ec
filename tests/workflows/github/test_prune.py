"""prune.yml, run by act on a registry that stands for GHCR."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.github.ghcr import Ghcr
from tests.workflows.act import Act
from tests.workflows.github.grants import granted

pytestmark = [pytest.mark.engine, pytest.mark.nightly]
TELL, DELETE = "prune/Tell what nothing leads to", "prune/Delete it"


@pytest.fixture
def published(hub: Act, ghcr: Ghcr) -> Ghcr:
    """An image under a tag, and two that have lost theirs, all years old."""
    ghcr.publish("current", "main")
    ghcr.publish("older")
    ghcr.publish("oldest")
    ghcr.list()
    hub.variables["REGISTRY"] = ghcr.registry
    return ghcr


@pytest.mark.parametrize("event", [{}, {"inputs": {"delete": "false", "days": "30", "last": "1"}}])
def test_prune_is_a_dry_run_by_default(hub: Act, published: Ghcr, event: dict[str, Any]) -> None:
    """On schedule and by hand, nothing is deleted unless asked for, and the token only reads."""
    hub.state.permissions = granted("prune", "tell")
    before = published.listed
    run = hub.run("workflow_dispatch" if event else "schedule", "prune.yml", event)
    assert run.results.pop(TELL) == "success"
    assert run.results.get(DELETE) in (None, "skipped")
    assert hub.state.used == {"packages": "read"}
    assert published.listed == before


def test_prune_deletes_when_asked(hub: Act, published: Ghcr) -> None:
    """The tagged image and the newest untagged one are whole; of the other nothing is left."""
    hub.state.permissions = granted("prune", "delete")
    event = {"inputs": {"delete": "true", "days": "30", "last": "1"}}
    run = hub.run("workflow_dispatch", "prune.yml", event)
    assert run.results == {TELL: "success", DELETE: "success"}
    assert hub.state.used == hub.state.permissions
    held = [all(map(published.holds, published.parts([image]))) for image in published.images]
    assert (held[0], sorted(held[1:])) == (True, [False, True])
