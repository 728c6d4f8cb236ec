"""What a request format must know: how to read a request, and how to write its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from serve.http import Headers
from serve.inference.scores import Scores
from serve.validation.schema import Row


class Codec(Protocol):
    """The format of a request, and that of its answer."""

    def check_headers(self, headers: Headers) -> None:
        """Check the headers; raise Refusal if they announce another format."""

    def read(self, body: bytes) -> tuple[Sequence[Row], Any]:
        """Return the rows, and what `write` must know of the request.

        Raises Refusal for a body that is wrong.
        """

    def write(self, scores: Scores, request: Any) -> bytes:
        """Return the body that answers the request."""
