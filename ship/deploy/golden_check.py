"""Ask a deployed service its golden examples, as its clients would ask: through the way in."""

from __future__ import annotations

import json
import math
import time
import urllib.error
import urllib.request
from typing import Any

from contract.bundle import PARITY_TOLERANCE, Example
from ship.errors import StageError

TOO_MANY = 429
SECONDS = 10  # that the way in has to know of a new service
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def check(url: str, examples: list[Example]) -> None:
    """Ask every golden example; raise StageError for the first that is not answered as recorded."""
    wait_ready(url)
    for number, example in enumerate(examples):
        status, answer = post(f"{url}/predict", {"features": example.features})
        while status == TOO_MANY:  # RATE is for us too
            time.sleep(1)
            status, answer = post(f"{url}/predict", {"features": example.features})
        if status != 200:
            raise StageError(f"{url}/predict must answer golden example {number}. "
                             f"Got {status or 'nothing'} instead: {answer}")  # fmt: skip
        if not agrees(answer, example):
            raise StageError(f"{url}/predict must answer golden example {number} as recorded: "
                             f"{example.prediction!r}. Got {answer} instead.")  # fmt: skip


def wait_ready(url: str) -> None:
    deadline = time.monotonic() + SECONDS
    while (found := ask(urllib.request.Request(f"{url}/ready")))[0] != 200:  # noqa: S310
        if time.monotonic() > deadline:
            raise StageError(f"{url}/ready must be 200 within {SECONDS} s. Got {found} instead.")
        time.sleep(0.1)


def agrees(answer: Any, example: Example) -> bool:
    """Compare labels exactly, and numbers and probabilities within the tolerance."""
    if not isinstance(answer, dict) or "prediction" not in answer:
        return False
    given = answer["prediction"]
    if example.probabilities is None:
        return isinstance(given, int | float) and close(given, float(example.prediction))
    found = list((answer.get("probabilities") or {}).values())
    return (
        given == example.prediction
        and len(found) == len(example.probabilities)
        and all(map(close, found, example.probabilities))
    )


def close(found: float, wanted: float) -> bool:
    return math.isclose(found, wanted, rel_tol=PARITY_TOLERANCE, abs_tol=PARITY_TOLERANCE)


def post(url: str, body: Any) -> tuple[int, Any]:
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
    try:
        return json.loads(content)
    except ValueError:
        return content[:200].decode(errors="replace")
