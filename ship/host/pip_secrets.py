"""Hand pip's index settings and a private CA to a build, as BuildKit secrets only."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from ship import command
from ship.host import data_secrets

CA_IN_BUILD = "/run/secrets/ca"
# pip's settings that mean the same inside a container; paths of this machine do not.
PORTABLE = ("index-url", "extra-index-url", "no-index", "proxy", "retries", "timeout",
            "default-timeout", "trusted-host")  # fmt: skip
CA_VARIABLES = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")


@contextmanager
def build_secrets() -> Iterator[dict[str, str]]:
    """Yield the variables that docker-bake.hcl reads; their files exist within the `with` block."""
    known = pip_settings()
    settings = {name: value for name, value in known.items() if name in PORTABLE}
    authority = ca_bundle(known.get("cert"))
    if authority:
        settings["cert"] = CA_IN_BUILD
    with tempfile.TemporaryDirectory() as folder:
        variables = {"CA_BUNDLE": str(authority) if authority else ""}
        if settings:
            file = Path(folder, "pip.conf")
            file.touch(mode=0o600)
            file.write_text(pip_conf(settings))
            variables["PIP_CONFIG"] = str(file)
        yield {**variables, **data_secrets.write(Path(folder))}


def pip_settings(python: str | Path = sys.executable) -> dict[str, str]:
    """Return the settings of `python`'s pip, from files and environment; later sources win."""
    variables = frozenset(
        (name, value) for name, value in os.environ.items() if name.startswith("PIP_")
    )
    settings = {}
    for line in config_list(python, variables).splitlines():
        key, _, value = line.partition("=")
        settings[key.rpartition(".")[2]] = value.strip("'\"")
    return settings


@cache
def config_list(python: str | Path, _: frozenset[tuple[str, str]]) -> str:
    """Ask pip for its settings, once for each environment that it could read them from."""
    return command.run(python, "-m", "pip", "config", "list")


def ca_bundle(configured: str | None) -> Path | None:
    """Return the file of the certificates that this machine trusts, None if it names none."""
    candidates = [configured, *(os.environ.get(name) for name in CA_VARIABLES)]
    return next((Path(file) for file in candidates if file and Path(file).is_file()), None)


def pip_conf(settings: dict[str, str]) -> str:
    """Return the settings as a pip.conf."""
    lines = [f"{name} = {value}" for name, value in settings.items()]
    return "\n".join(["[global]", *lines, ""]).replace("\\n", "\n    ")
