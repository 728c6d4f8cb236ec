"""Every way to fail, in one place: commands end with an exit code, requests with a status."""

# ruff: noqa: N818 - the names say what happened
from __future__ import annotations

from typing import overload

import msgspec


class Failure(Exception):
    """Ends a command: the message is the one line that is printed."""

    exit_code = 1


class InvalidSetting(Failure):
    """An environment variable has a value it must not have."""

    exit_code = 2


class CannotListen(Failure):
    """The address is taken, or not ours to take."""

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
    """A library that is needed is missing, or not the version that made the model."""

    exit_code = 12


class BrokenModel(Failure):
    """The model file cannot be loaded, or has not the inputs and outputs it must have."""

    exit_code = 13


class WrongAnswer(Failure):
    """The model answers a golden example otherwise than it did when it was trained."""

    exit_code = 14


class RowsRefused(Failure):
    """The bulk scorer met a row it cannot score."""

    exit_code = 15


class Refusal(Exception):
    """Ends a request: the status, and what the client should know."""

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
    """The body of every refusal."""

    error: str
    row: int | None = None
    field: str | None = None
    expected: str | None = None
    got: str | None = None


@overload
def sendable(text: str) -> str: ...
@overload
def sendable(text: None) -> None: ...
def sendable(text: str | None) -> str | None:
    """Return text that UTF-8 can hold: JSON can name half a character, and a client may."""
    return text and text.encode(errors="replace").decode()


class MalformedBody(Refusal):
    """The body is not JSON, or not JSON that means one thing only."""


class MalformedRequest(Refusal):
    """What came is no request of HTTP."""


class UnknownRoute(Refusal):
    """No such path."""

    status = 404


class WrongMethod(Refusal):
    """The path exists, the method does not."""

    status = 405

    def __init__(self, allowed: str, got: str) -> None:
        super().__init__(f"The method must be {allowed}. Got {got} instead.")
        self.allowed = allowed


class Late(Refusal):
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


class HeadTooLarge(Refusal):
    """The headers, or the path, do not end."""

    status = 431

    def __init__(self) -> None:
        super().__init__("The path and headers must be at most 64 KiB. Got more instead.")


class InternalError(Refusal):
    """Our fault: the log has the rest."""

    status = 500


class Unavailable(Refusal):
    """Not now: starting, draining, or too busy. The answer carries Retry-After."""

    status = 503
