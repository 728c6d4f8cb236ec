"""A client of GitHub's REST API, with what the workflows need, by the standard library alone."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from ship.errors import ShipError, UsageError

BOT = "github-actions[bot]"  # the account of a workflow's own token
TIMEOUT = 30  # seconds
ANSWER_LIMIT = 32 * 2**20  # bytes of JSON that one answer may have
NEXT = re.compile(r'<([^>]+)>; rel="next"')


class ApiError(ShipError):
    """An answer that is no success; for 403 the message says to grant the permission."""

    def __init__(self, request: Request, status: int, reason: str) -> None:
        super().__init__(
            f"{request.get_method()} {request.full_url} must succeed. Got {status} instead: "
            f"{reason}"
            + ("\nGrant the job the permission in its workflow." if status == 403 else "")
        )
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class GitHub:
    """One repository on GitHub.

    A path that begins with `/` is one of the API, any other one of the repository.
    """

    url: str
    repository: str
    token: str

    @classmethod
    def from_environment(cls) -> GitHub:
        """Return the repository of the workflow.

        Raises UsageError outside one, or without a token.
        """
        return cls(
            url=os.environ.get("GITHUB_API_URL", "https://api.github.com"),
            repository=variable("GITHUB_REPOSITORY", "owner/name"),
            token=variable("GITHUB_TOKEN", "${{ github.token }}"),
        )

    @property
    def owner(self) -> str:
        """The owner of the repository."""
        return self.repository.partition("/")[0]

    def get(self, path: str, **parameters: str | int) -> Any:
        """Return the JSON at a path; raise ApiError if it cannot be had."""
        with self._open("GET", self._address(path, parameters)) as answer:
            return decoded(answer)

    def pages(self, path: str, key: str = "", **parameters: str | int) -> Iterator[Any]:
        """Yield every item of a list (or of the list under `key`), page by page.

        Pages are those of the Link header (RFC 8288). Raises ApiError if one cannot be had.
        """
        address = self._address(path, {"per_page": 100, **parameters})
        while address:
            with self._open("GET", address) as answer:
                page = decoded(answer)
                following = NEXT.search(answer.headers.get("Link", ""))
            yield from page[key] if key else page
            address = following[1] if following else ""

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send a body as JSON, and return the answer's; raise ApiError if it is refused."""
        with self._open(method, self._address(path, {}), body) as answer:
            return decoded(answer)

    def download(self, path: str, limit: int) -> bytes:
        """Return a file of at most `limit` bytes; the token is not sent where a redirect leads.

        Raises ApiError if it cannot be had, ShipError if it is larger.
        """
        with self._open("GET", self._address(path, {})) as answer:
            return read(answer, limit)

    def _address(self, path: str, parameters: Mapping[str, str | int]) -> str:
        """Return the URL of a path."""
        whole = path if path.startswith("/") else f"/repos/{self.repository}/{path}"
        return f"{self.url}{whole}" + (f"?{urlencode(parameters)}" if parameters else "")

    def _open(
        self, method: str, address: str, body: Mapping[str, Any] | None = None
    ) -> HTTPResponse:
        """Send a request and return the open answer.

        Raises ApiError for an answer that is no success, ShipError for an address on another host.
        """
        if not address.startswith(f"{self.url}/"):
            raise ShipError(f"GitHub's next page must be on {self.url}. Got {address} instead.")
        content = None if body is None else json.dumps(body).encode()
        request = Request(address, content, method=method, headers={  # noqa: S310 - checked above
            "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28",
            "Content-Type": "application/json"})  # fmt: skip
        # A redirect leads to another host: it must not be followed with the token.
        request.add_unredirected_header("Authorization", f"Bearer {self.token}")
        try:
            answer: HTTPResponse = urlopen(request, timeout=TIMEOUT)  # noqa: S310 - checked above
        except HTTPError as error:
            with error:
                raise ApiError(request, error.code, reason(error)) from None
        except URLError as error:
            raise ApiError(request, 0, str(error.reason)) from None
        return answer


def decoded(answer: HTTPResponse) -> Any:
    """Return the JSON of an answer, None where it is empty."""
    content = read(answer, ANSWER_LIMIT)
    return json.loads(content) if content else None


def read(answer: HTTPResponse, limit: int) -> bytes:
    """Return the body of an answer; raise ShipError if it has more than `limit` bytes."""
    content = answer.read(limit + 1)
    if len(content) > limit:
        raise ShipError(f"What {answer.url} holds must be at most {limit} bytes. It is more.")
    return content


def reason(error: HTTPError) -> str:
    """Return GitHub's message in an error, or the status line where there is none."""
    content = error.read(4096)
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.reason)


def variable(name: str, example: str) -> str:
    """Return a variable of the environment; raise UsageError if it is not set."""
    value = os.environ.get(name)
    if not value:
        raise UsageError(f"{name} must be set, as in a workflow: {name}={example}. It is not.")
    return value


def event() -> dict[str, Any]:
    """Return the event that started the workflow."""
    payload: dict[str, Any] = json.loads(Path(variable("GITHUB_EVENT_PATH", "file")).read_bytes())
    return payload
