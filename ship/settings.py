"""The settings of the commands: read from the environment and checked before anything is done."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contract import models
from ship import tags
from ship.errors import UsageError

TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}|sha256:[0-9a-f]{64}")  # distribution spec 1.1
HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?"
PART = r"[A-Za-z0-9]+(?:(?:\.|_|__|-+)[A-Za-z0-9]+)*"
REGISTRY = re.compile(rf"{HOST}(?:/{PART})*")
LONGEST = 1000  # characters of a reason


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of a command, each from the environment variable of its name in capitals."""

    model: tuple[str, ...] = ()  # the named ones; () stands for all
    registry: str = ""
    tag: str = tags.MAIN
    a: str = ""
    b: str = ""
    release: str = ""
    wait: float = 0
    bundle: Path | None = None
    images: Path | None = None
    reports: Path | None = None
    reason: str = ""
    who: str = ""

    @property
    def models(self) -> list[str]:
        """The models that are named, or all."""
        return list(self.model) or known_models()


def read(names: Iterable[str], environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings `names`, checked; an empty variable counts as not set.

    Raises UsageError for the first that is not what it must be.
    """
    checked = {
        name.lower(): CHECKS[name](name, value) for name in names if (value := environ.get(name))
    }
    return Settings(**checked)  # type: ignore[arg-type]


def check_models(name: str, value: str) -> tuple[str, ...]:
    """Return the models that MODEL names; raise UsageError for one that does not exist."""
    known = known_models()
    for word in value.split():
        if word not in known:
            raise wrong(name, f"one of {', '.join(known)}", word,
                        "Add one: make new-model NAME=… CSV=… TARGET=…")  # fmt: skip
    return tuple(value.split())


def known_models() -> list[str]:
    """Return the names of the models; raise UsageError where there is none."""
    if names := models.names():
        return names
    raise wrong("MODELS", "a folder with a model in it", str(models.root()),
                "Add one: make new-model NAME=… CSV=… TARGET=…")  # fmt: skip


def check_tag(name: str, value: str) -> str:
    """Return a tag or digest; raise UsageError for a text that is neither."""
    if not TAG.fullmatch(value):
        raise wrong(name, "a tag, such as main or 1.2.3, or a digest", value, "See: make models")
    return value


def check_registry(name: str, value: str) -> str:
    """Return where images are published, in lower case, as registries need it.

    Raises UsageError for a text that is no address.
    """
    if not REGISTRY.fullmatch(value.rstrip("/")):
        raise wrong(name, "host/owner or host:port/owner", value, "Example: ghcr.io/octo/models")
    return value.rstrip("/").lower()


def check_release(_: str, value: str) -> str:
    """Return a git tag that releases a model; raise UsageError for another."""
    tags.released_versions(value, known_models())
    return value


def check_seconds(name: str, value: str) -> float:
    """Return how long to wait; raise UsageError for a text that is no whole number of seconds."""
    if not re.fullmatch(r"\d{1,5}", value):
        raise wrong(name, "a number of seconds", value, "Example: 1200")
    return float(value)


def check_folder(name: str, value: str) -> Path:
    """Return the path of a folder; raise UsageError where there is none."""
    if not Path(value).is_dir():
        raise wrong(name, "a folder", value, "Name one that exists.")
    return Path(value)


def check_reason(name: str, value: str) -> str:
    """Return a person's reason, of one line or more; raise UsageError for invisible characters."""
    if not all(line.isprintable() for line in value.split("\n")) or len(value) > LONGEST:
        expected = f"at most {LONGEST} characters that can be seen"
        raise wrong(name, expected, value, "It is kept in the manifest and shown to reviewers.")
    return value.strip()


def wrong(name: str, expected: str, got: str, cure: str) -> UsageError:
    """Return the error of a setting; its value is shown so that no terminal obeys it."""
    shown = got if got.isprintable() else ascii(got)
    return UsageError(f"{name} must be {expected}. Got {shown} instead. {cure}")


CHECKS = {
    "MODEL": check_models,
    "REGISTRY": check_registry,
    "TAG": check_tag,
    "A": check_tag,
    "B": check_tag,
    "RELEASE": check_release,
    "WAIT": check_seconds,
    "BUNDLE": check_folder,
    "IMAGES": check_folder,
    "REPORTS": check_folder,
    "REASON": check_reason,
    "WHO": check_reason,
}


def registry(environ: Mapping[str, str] = os.environ) -> str:
    """Return REGISTRY; "" where images go to a folder of this machine."""
    return read(["REGISTRY"], environ).registry
