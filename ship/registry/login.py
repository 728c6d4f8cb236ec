"""Log in to the registry, so that the engine, skopeo and cosign find the credentials."""

from __future__ import annotations

import os

from ship import command
from ship.errors import StageError, UsageError


def login(registry: str) -> str:
    """Log in to the host of `registry` as REGISTRY_USER; return what became of it."""
    password, user = os.environ.get("REGISTRY_PASSWORD"), os.environ.get("REGISTRY_USER", "")
    if not password:
        return "no REGISTRY_PASSWORD, so only what is public can be read"
    host = registry.partition("/")[0]
    if not host:
        raise UsageError("REGISTRY must say where to log in: REGISTRY=host/owner. Got none.")
    result = command.attempt("docker", "login", f"--username={user}", "--password-stdin", "--",
                             host, stdin=password)  # fmt: skip
    if not result.succeeded:
        raise StageError(f"{host} must take REGISTRY_USER and REGISTRY_PASSWORD. "
                         f"Got instead from docker: {result.reason}")  # fmt: skip
    return f"logged in to {host}"
