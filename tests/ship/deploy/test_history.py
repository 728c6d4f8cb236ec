"""What the history says about going back, and that it is only ever added to."""

from __future__ import annotations

import msgspec
import pytest

from ship.deploy.history import Action, Entry, Result, decode, encode, stack, who
from ship.deploy.kubernetes import history_configmap


def entry(digest: str, action: Action = "deploy", result: Result = "serving") -> Entry:
    """Return an entry of the history of iris."""
    return Entry(
        when="2026-11-21T03:00:00+00:00",
        who="somebody",
        action=action,
        model="iris",
        digest=digest,
        previous=None,
        result=result,
    )


def digests(*entries: Entry) -> list[str]:
    """Return the digests of what served, each after the one that a rollback returns to."""
    return [entry.digest for entry in stack(entries, "iris")]


def test_stack_holds_what_served() -> None:
    """A deploy that was refused or undone is not in the stack."""
    assert digests(
        entry("a"), entry("b", result="undone"), entry("c", result="refused"), entry("d", "canary")
    ) == ["a", "d"]


def test_stack_goes_further_back_with_every_rollback() -> None:
    """After a rollback from c to b, the next one is to a, not to c again."""
    assert digests(entry("a"), entry("b"), entry("c"), entry("b", "rollback")) == ["a", "b"]


def test_stack_counts_a_repeated_deploy_once() -> None:
    """Deploying what serves already changes nothing that a rollback would undo."""
    assert digests(entry("a"), entry("b"), entry("b")) == ["a", "b"]


def test_stack_is_of_one_model() -> None:
    """Another model's history is its own."""
    assert stack([entry("a")], "penguins") == []


def test_entries_read_back_as_written() -> None:
    """A line of the file holds all of an entry."""
    entries = [entry("a"), entry("b", "rollback", "stuck")]
    assert decode(b"".join(map(encode, entries))) == entries


def test_entry_of_a_cluster_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends a line elsewhere, the oldest entry that goes is a whole one."""
    monkeypatch.setattr(history_configmap, "KEPT", 2)
    entries = [
        msgspec.structs.replace(entry(digest), reason="refused \u2028by\x85 name")
        for digest in "abc"
    ]
    kept = ""

    def kubectl(*arguments: str, stdin: str | None = None) -> str:
        nonlocal kept
        kept = stdin or kept
        return kept

    for added in entries:
        history_configmap.add(kubectl, added)
    assert history_configmap.entries(kubectl) == entries[1:]


def test_who_is_the_account_of_the_forge(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a workflow, the history names who started it, not the runner's user."""
    monkeypatch.setenv("GITHUB_ACTOR", "octocat")
    assert who() == "octocat"
