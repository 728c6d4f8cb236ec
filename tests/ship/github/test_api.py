"""The client: every page, plain words on failure, and a token that goes nowhere else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ship import git
from ship.errors import ShipError, UsageError
from ship.github.api import ApiError, GitHub
from tests.support.github.fake import State


def test_pages_yields_every_item_of_every_page(client: GitHub, state: State) -> None:
    """A list that GitHub cuts into pages is read to its end."""
    state.permissions = {"pull-requests": "read"}
    for number in range(250):
        state.say(1, str(number))
    assert [c["body"] for c in client.pages("issues/1/comments")] == [str(n) for n in range(250)]


def test_a_missing_permission_is_named_with_its_cure(client: GitHub) -> None:
    """A refusal says what was asked, what GitHub said, and where permissions are granted."""
    with pytest.raises(ApiError, match=r"GET .*/pulls.*403.*not accessible.*\n.*its workflow"):
        list(client.pages("pulls", state="open", head="a:b"))


def test_a_token_that_is_refused_is_told(client: GitHub) -> None:
    """Bad credentials are told in GitHub's own words."""
    other = GitHub(client.url, client.repository, "wrong")
    with pytest.raises(ApiError, match="401 instead: Bad credentials"):
        other.get("pulls")


def test_a_server_that_does_not_answer_is_told() -> None:
    """Where nothing listens, the address is named."""
    with pytest.raises(ApiError, match=r"http://127\.0\.0\.1:1/x must succeed.*refused"):
        GitHub("http://127.0.0.1:1", "octo/models", "t").get("/x")


def test_download_gives_the_storage_no_token(client: GitHub, state: State) -> None:
    """An artifact is fetched from its storage, which refuses a request with a token."""
    state.permissions = {"actions": "read"}
    state.stored["/1"] = b"content"
    assert client.download("actions/artifacts/1/zip", limit=7) == b"content"


def test_download_refuses_more_than_its_limit(client: GitHub, state: State) -> None:
    """A file that is too large is not read to its end."""
    state.permissions = {"actions": "read"}
    state.stored["/1"] = b"content"
    with pytest.raises(ShipError, match="must be at most 6 bytes"):
        client.download("actions/artifacts/1/zip", limit=6)


def test_a_page_elsewhere_is_refused(client: GitHub) -> None:
    """A next page on another host is refused, so that the token is sent to the API alone."""
    with pytest.raises(ShipError, match="must be on http"):
        client._open("GET", "http://127.0.0.1.example.com/")  # noqa: SLF001 - no way leads there


def test_a_variable_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of a workflow, what to set is said."""
    monkeypatch.setenv("GITHUB_REPOSITORY", "octo/models")
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    with pytest.raises(UsageError, match="GITHUB_TOKEN must be set"):
        GitHub.from_environment()


def test_nothing_needs_to_be_installed() -> None:
    """The workflows' commands run on a Python that has its standard library alone."""
    code = f"import sys; sys.path.insert(0, {str(git.TOOL)!r}); import ship.github.__main__"
    command = [sys.executable, "-I", "-S", "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
