"""The settings; nothing else reads the environment.

A msgspec struct and not pydantic-settings, whose import alone takes a third of the time from this
server's start to its first answer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, get_type_hints

import msgspec
from msgspec import Meta

from serve.errors import InvalidSetting

Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0)]
Whole = Annotated[int, Meta(ge=0)]  # seconds
Share = Annotated[float, Meta(ge=0, le=1)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator can change; the environment variable is the name in capitals."""

    bundle: Annotated[str, Meta(description="Directory of the bundle to serve")] = "/bundle"
    host: Annotated[str, Meta(description="Address to listen on")] = "0.0.0.0"  # noqa: S104 - a container's port is closed until it is published
    port: Annotated[Port, Meta(description="Port to listen on (Cloud Run sets it)")] = 8080
    workers: Annotated[Count, Meta(description="Processes that serve; one per core at most")] = 1
    threads: Annotated[Count, Meta(description="Threads that onnxruntime uses for one batch")] = 1
    max_body_bytes: Annotated[Count, Meta(description="Largest request body; more is a 413")] = (
        4 * 1024 * 1024
    )
    max_rows: Annotated[Count, Meta(description="Most rows in one request; more is a 422")] = 10_000
    max_concurrency: Annotated[
        Count, Meta(description="Predictions in flight; beyond it a request gets a 503 at once")
    ] = 256
    max_queued_rows: Annotated[
        Count, Meta(description="Rows in flight; once reached, a request gets a 503 at once")
    ] = 100_000
    request_seconds: Annotated[
        Seconds, Meta(description="Time a client has to send a request; then a 408")
    ] = 10.0
    keep_alive_seconds: Annotated[
        Whole, Meta(description="Time an idle connection is kept open")
    ] = 75
    drain_seconds: Annotated[
        Seconds, Meta(description="Time between SIGTERM (not ready) and closing the port")
    ] = 1.0
    shutdown_seconds: Annotated[
        Whole, Meta(description="Time that requests in flight have to finish after that")
    ] = 20
    log_predictions: Annotated[
        bool, Meta(description="Whether every prediction is a line of the log")
    ] = True
    log_inputs: Annotated[
        Share, Meta(description="Share of the predictions logged with inputs; 0 is none")
    ] = 1.0
    log_max_bytes: Annotated[
        int, Meta(ge=0, description="Larger inputs or outputs are left out of the log line")
    ] = 16 * 1024
    page: Annotated[bool, Meta(description="Whether / is a page for people; false is a 404")] = True
    aip_http_port: Annotated[
        Port | None, Meta(description="Vertex AI: replaces PORT when it is set")
    ] = None
    aip_health_route: Annotated[str, Meta(description="Vertex AI: another path for /ready")] = ""
    aip_predict_route: Annotated[str, Meta(description="Vertex AI: another path for /predict")] = ""

    @property
    def listen_port(self) -> int:
        """The port to listen on: Vertex AI's AIP_HTTP_PORT where it is set, otherwise PORT."""
        return self.port if self.aip_http_port is None else self.aip_http_port


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the environment; an empty variable counts as not set.

    Raises InvalidSetting for a value that a setting must not have.
    """
    values = {
        name: environ[name.upper()]
        for name in Settings.__struct_fields__
        if environ.get(name.upper())
    }
    for name, value in values.items():
        check_value(name, value)
    return msgspec.convert(values, Settings, strict=False)


def check_value(name: str, value: str) -> None:
    """Check the text of one setting; raise InvalidSetting for a value that it must not have."""
    hint = get_type_hints(Settings, include_extras=True)[name]
    try:
        msgspec.convert(value, hint, strict=False)
    except msgspec.ValidationError as error:
        wanted = str(error).removeprefix("Expected ").partition(", got")[0]
        raise InvalidSetting(
            f"{name.upper()} must be {wanted}. Got {value!r} instead. "
            f"Set it to such a value, or unset it."
        ) from error


def rows() -> list[tuple[str, str, str]]:
    """Return the name, default and meaning of every setting."""
    hints = get_type_hints(Settings, include_extras=True)
    return [
        (field.name.upper(), words(field.default), description(hints[field.name]))
        for field in msgspec.structs.fields(Settings)
    ]


def words(default: object) -> str:
    """Return a default as one would write it in the environment."""
    return (
        str(default).lower()
        if isinstance(default, bool)
        else ""
        if default is None
        else str(default)
    )


def description(hint: object) -> str:
    """Return the description in the metadata of an annotated type."""
    notes = [note.description for note in getattr(hint, "__metadata__", ())]
    return next(filter(None, reversed(notes)), "")


def help_text() -> str:
    """Return the settings as text for a terminal."""
    return "\n".join(f"  {name:20} {meaning} [{default}]" for name, default, meaning in rows())
