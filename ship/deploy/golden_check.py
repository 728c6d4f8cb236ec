"""Ask a deployed service its golden examples, at the address where its clients ask."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from contract.bundle import Example, numbers_beside
from ship.errors import StageError
from ship.host.waiting import wait_for

TOO_MANY = 429
SECONDS = 10  # until the router or Gateway must know of a new service
RATE_SECONDS = 60  # for which the router or Gateway may refuse requests by its rate limit
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ask_examples(url: str, examples: list[Example]) -> None:
    """Ask every golden example; raise StageError for the first that is not answered as recorded."""
    wait_ready(url)
    for number, example in enumerate(examples):
        status, answer = ask_example(f"{url}/predict", example)
        if status != 200:
            raise StageError(f"{url}/predict must answer golden example {number}. "
                             f"Got {status or 'nothing'} instead: {answer}")  # fmt: skip
        if not agrees(answer, example):
            raise StageError(f"{url}/predict must answer golden example {number} as recorded: "
                             f"{example.prediction!r}. Got {answer} instead.")  # fmt: skip


def wait_ready(url: str) -> None:
    """Wait until a replica is ready behind the address; raise StageError if none is in SECONDS."""
    request = urllib.request.Request(f"{url}/ready")  # noqa: S310 - the operator's address
    wait_for(lambda: ask(request), lambda reply: reply[0] == 200,
             f"{url}/ready must be 200", SECONDS)  # fmt: skip


def ask_example(url: str, example: Example) -> tuple[int, Any]:
    """Return status and answer to a golden example; ask again while the rate limit refuses."""
    return wait_for(
        lambda: post(url, {"features": example.features}), lambda reply: reply[0] != TOO_MANY,
        f"{url} must take a request", RATE_SECONDS, interval=1,
    )  # fmt: skip


def agrees(answer: Any, example: Example) -> bool:
    """Return whether decoded JSON is an object of /predict that answers as recorded."""
    if not isinstance(answer, dict) or not isinstance(answer.get("probabilities") or {}, dict):
        return False
    return example.is_answered_by(answer.get("prediction"), numbers_beside(answer))


def post(url: str, body: Any) -> tuple[int, Any]:
    """Send a body as JSON; return status and decoded answer."""
    request = urllib.request.Request(  # noqa: S310 - the address is the operator's
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    return ask(request)


def ask(request: urllib.request.Request) -> tuple[int, Any]:
    """Return status and decoded answer; 0 and the reason where nothing answers."""
    try:
        with DIRECT.open(request, timeout=10) as reply:
            return reply.status, decoded(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, decoded(error.read())
    except OSError as error:
        return 0, str(error)


def decoded(content: bytes) -> Any:
    """Return the JSON of an answer, or the beginning of its text where it is none."""
    try:
        return json.loads(content)
    except ValueError:
        return content[:200].decode(errors="replace")
