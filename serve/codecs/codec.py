"""The forms in which requests and answers travel: each knows how to read and how to write one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from serve.http import Headers
from serve.inference.scores import Scores
from serve.validation.schema import Row


class Wire(Protocol):
    """A form of request, and the form of its answer."""

    def check_headers(self, headers: Headers) -> None:
        """Raise Refusal if the headers announce another form."""

    def read(self, body: bytes) -> tuple[Sequence[Row], Any]:
        """Return the rows, and whatever `write` must know of the request; raise Refusal."""

    def write(self, scores: Scores, request: Any) -> bytes:
        """Return the body that answers the request."""
