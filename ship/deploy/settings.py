"""The settings of deploying, each from the environment variable of its name in capitals."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from ship.errors import UsageError

TARGETS = ("compose", "kubernetes")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of `make deploy`, `rollback`, `canary`, `history` and `undeploy`."""

    target: str = "compose"
    replicas: int = 2
    project: str = "model-images"
    listen: str = "127.0.0.1:8080"
    prometheus_listen: str = "127.0.0.1:9090"
    rate: int = 1000
    ready_seconds: int = 60
    canary_share: int = 10
    canary_seconds: int = 60
    older: str = "no"

    state: str = ""
    overlay: str = "production"
    gateway: str = ""

    @property
    def folder(self) -> Path:
        """Where the state of a Compose project and its history are kept.

        It outlives the checkout, `make clean`, the containers and their volumes, and lies on the
        machine that serves, as all that it describes does.
        """
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return Path(self.state or Path(home, "model-images", self.project))


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the environment; an empty variable counts as not set.

    Raises UsageError for a value that a setting must not have.
    """
    values = {
        setting.name: number(setting.name, value) if setting.type == "int" else value
        for setting in fields(Settings)
        if (value := environ.get(setting.name.upper()))
    }
    settings = Settings(**values)  # type: ignore[arg-type]
    if settings.target not in TARGETS:
        raise UsageError(
            f"TARGET must be one of {', '.join(TARGETS)}. Got {settings.target} instead."
        )
    if settings.older not in ("yes", "no"):
        raise UsageError(f"OLDER must be yes or no. Got {settings.older} instead.")
    if not 0 < settings.canary_share < 100:
        raise UsageError(
            f"CANARY_SHARE must be within 1 and 99. Got {settings.canary_share} instead."
        )
    return settings


def number(name: str, value: str) -> int:
    """Return a whole number above 0; raise UsageError for anything else."""
    if not value.isdecimal() or not int(value):
        raise UsageError(f"{name.upper()} must be a whole number above 0. Got {value!r} instead.")
    return int(value)
