"""What is done where a registry stumbles."""

from __future__ import annotations

import pytest

from ship.command import Result
from ship.errors import StageError
from ship.registry import remote
from ship.registry.remote import Registry

FAULT = (
    'reading manifest main: received unexpected HTTP status: 500 Internal Server Error"'  # skopeo's
)


def answer(monkeypatch: pytest.MonkeyPatch, *answers: Result) -> list[tuple[str, ...]]:
    """Have skopeo answer so, one after the other; return the list of what it is asked."""
    asked: list[tuple[str, ...]] = []
    left = iter(answers)

    def attempt(*command: str) -> Result:
        asked.append(command)
        return next(left)

    monkeypatch.setattr(remote, "attempt", attempt)
    monkeypatch.setattr(remote, "PAUSES", (0, 0, 0))
    return asked


def failed(reason: str) -> Result:
    """Return what a command leaves that failed for a reason."""
    return Result(("skopeo",), 1, b"", reason)


def test_registry_that_stumbles_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the server's own is no answer yet."""
    asked = answer(monkeypatch, failed(FAULT), Result(("skopeo",), 0, b'{"Tags": ["b", "a"]}', ""))
    assert Registry("host/iris").tags() == ["a", "b"]
    assert len(asked) == 2


def test_registry_that_fails_for_good_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some attempts the reason is told."""
    asked = answer(monkeypatch, *[failed(FAULT)] * 4)
    with pytest.raises(StageError, match="500 Internal Server Error"):
        Registry("host/iris").tags()
    assert len(asked) == 4


def test_refusal_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may not read is told so at once."""
    asked = answer(monkeypatch, failed("authentication required"))
    with pytest.raises(StageError, match="authentication required"):
        Registry("host/iris").tags()
    assert len(asked) == 1
