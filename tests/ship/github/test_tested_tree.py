"""Whether the tool's tests have passed on a tree, so that no other run repeats them."""

from __future__ import annotations

from typing import Any

import pytest

from ship import git
from ship.github.api import GitHub
from ship.github.tested_tree import RECORD, is_recorded, tell_passed, tree
from tests.support.checkouts.checkout import Checkout
from tests.support.github.fake import State

OURS = {"id": 7, "repository_id": 1, "head_repository_id": 1}


@pytest.fixture
def tool(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A fork: the tool with a model."""
    checkout.commit(Makefile="test:", model__iris__model_dot_toml="iris", modelling_dot_py="")
    monkeypatch.setattr(git, "TOOL", checkout.root)
    return checkout


def test_commit_of_models_alone_keeps_the_tree(tool: Checkout) -> None:
    """A changed, new or removed model has the record of the commit before."""
    before = tree(tool.root)
    tool.commit(model__iris__model_dot_toml="changed", model__wine__model_dot_toml="new")
    assert tree(tool.root) == before
    tool.git("rm", "--quiet", "-r", "model")
    tool.commit()
    assert tree(tool.root) == before


@pytest.mark.parametrize("file", ["Makefile", "modelling_dot_py", "tests__model__x_dot_py"])
def test_any_other_commit_changes_the_tree(tool: Checkout, file: str) -> None:
    """A file of the tool has a record of its own, whatever its name begins with."""
    before = tree(tool.root)
    tool.commit(**{file: "changed"})
    assert tree(tool.root) != before


def test_mode_of_a_file_changes_the_tree(tool: Checkout) -> None:
    """A program that lost its executable bit is not what was tested."""
    before = tree(tool.root)
    tool.git("update-index", "--chmod=+x", "Makefile")
    tool.git("commit", "--quiet", "--message=Mode")
    assert tree(tool.root) != before


@pytest.mark.parametrize(
    ("record", "counts"),
    [({"workflow_run": OURS}, True), ({"workflow_run": OURS, "expired": True}, False),
     ({"workflow_run": {**OURS, "head_repository_id": 2}}, False), ({"workflow_run": None}, False),
     ({"workflow_run": {}}, False)],
)  # fmt: skip
def test_record_counts_of_this_repositorys_code_alone(
    client: GitHub, state: State, record: dict[str, Any], *, counts: bool
) -> None:
    """A fork's pull request may call an artifact as it likes; GitHub says whose code made it."""
    state.permissions = {"actions": "read"}
    state.upload("tool-passed-0", b"")
    state.artifacts[-1] |= record
    assert is_recorded(client, "tool-passed-0") is counts
    assert not is_recorded(client, "tool-passed-1")


def test_outputs_name_the_record(
    client: GitHub, state: State, tool: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    """The job that remembers calls the artifact by the name that the next run looks for."""
    state.permissions = {"actions": "read"}
    name = f"{RECORD}{tree(tool.root)}"
    assert tell_passed(client) == 0
    assert capsys.readouterr().out == f"record={name}\ntested=false\n"
    state.upload(name, b"")
    state.artifacts[-1]["workflow_run"] = OURS
    tell_passed(client)
    assert capsys.readouterr().out.endswith("tested=true\n")
    assert state.used == {"actions": "read"}
