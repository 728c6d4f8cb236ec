"""Every way to fail, in one place: a Failure ends a command, a Refusal ends a request."""

# ruff: noqa: N818 - the names say what happened
from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import overload

import msgspec

MOST = 10  # wrong values that one refusal names


class Failure(Exception):
    """Ends a command with its exit code; the message is the one line that is printed."""

    exit_code = 1


class InvalidSetting(Failure):
    """An environment variable has a value it must not have."""

    exit_code = 2


class CannotListen(Failure):
    """The address is taken, or this process may not listen on it."""

    exit_code = 3


class NotReady(Failure):
    """The health check found no server that is ready."""


class BrokenBundle(Failure):
    """A file of the bundle is missing, changed, or of another schema version."""

    exit_code = 10


class GateFailed(Failure):
    """The model did not reach its own thresholds."""

    exit_code = 11


class WrongLibrary(Failure):
    """A library that is needed is missing, or another version than the one that made the model."""

    exit_code = 12


class BrokenModel(Failure):
    """The model file cannot be loaded, or its inputs and outputs are not the manifest's."""

    exit_code = 13


class WrongAnswer(Failure):
    """The model's answer to a golden example differs from the one recorded in training."""

    exit_code = 14


class RowsRefused(Failure):
    """The bulk scorer met a row or a file that it cannot score."""

    exit_code = 15


class Crashed(Failure):
    """Something was raised that nothing here expects, such as by a model's own code."""

    exit_code = 16


def as_failure(error: BaseException, what: str = "The server") -> Failure:
    """Return an exception as a Failure: itself, or a Crashed that says `what` raised it."""
    if isinstance(error, Failure):
        return error
    text = " ".join(str(error).split())[:500]
    crash = Crashed(f"{what} must raise no error. Got {type(error).__name__}: {text}")
    crash.__cause__ = error
    return crash


class Refusal(Exception):
    """Ends a request with its status (RFC 9110); the Problem says what the client should know."""

    status = 400

    def __init__(
        self,
        message: str,
        *,
        row: int | None = None,
        field: str | None = None,
        expected: str | None = None,
        got: str | None = None,
    ) -> None:
        super().__init__(sendable(message))
        self.problem = Problem(str(self), row, sendable(field), expected, sendable(got))


class Problem(msgspec.Struct, omit_defaults=True):
    """The body of every refusal; `row` counts from 0.

    Where several values are wrong, `problems` has each of the first, and `error` names them all.
    """

    error: str
    row: int | None = None
    field: str | None = None
    expected: str | None = None
    got: str | None = None
    problems: list[Problem] = []


@overload
def sendable(text: str) -> str: ...
@overload
def sendable(text: None) -> None: ...
def sendable(text: str | None) -> str | None:
    """Return text that UTF-8 can hold: JSON can escape one half of a surrogate pair."""
    return text and text.encode(errors="replace").decode()


class MalformedBody(Refusal):
    """The body is not JSON, or is JSON with a key that occurs twice."""


class MalformedRequest(Refusal):
    """The bytes are no HTTP request that every server reads alike."""


class UnknownRoute(Refusal):
    """There is no such path."""

    status = 404


class WrongMethod(Refusal):
    """The path exists, but not for this method."""

    status = 405

    def __init__(self, allowed: str, got: str) -> None:
        super().__init__(f"The method must be {allowed}. Got {got} instead.")
        self.allowed = allowed


class RequestTimeout(Refusal):
    """The request did not arrive in time, or its answer was not read."""

    status = 408


class TooLarge(Refusal):
    """The body is larger than the limit; it was not read to its end."""

    status = 413


class WrongContentType(Refusal):
    """The body does not say that it is JSON."""

    status = 415


class InvalidRow(Refusal):
    """A row is not what the model was trained on."""

    status = 422

    @classmethod
    def joined(cls, problems: Iterable[InvalidRow]) -> InvalidRow | None:
        """Return one refusal for all of these; None where there are none.

        It names the first MOST, and takes no more than it needs to know whether there are others.
        """
        first = list(islice(problems, MOST + 1))
        if len(first) < 2:
            return first[0] if first else None
        named = [problem.problem for problem in first[:MOST]]
        more = [] if len(first) <= MOST else ["There are more."]
        refusal = cls(" ".join([*(problem.error for problem in named), *more]))
        refusal.problem = msgspec.structs.replace(
            named[0], error=refusal.problem.error, problems=named
        )
        return refusal


class HeadTooLarge(Refusal):
    """The path and headers are too long (RFC 6585)."""

    status = 431

    def __init__(self) -> None:
        super().__init__("The path and headers must be at most 64 KiB. Got more instead.")


class InternalError(Refusal):
    """The server failed; the log has the traceback."""

    status = 500


class Unavailable(Refusal):
    """The server is starting, draining, or too busy; the answer has Retry-After."""

    status = 503
