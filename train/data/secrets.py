"""The credentials of a model's data: in the environment, or in the secret of a build."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

from contract.spec.credentials import DATABASE, GOOGLE, SECRETS

IN_BUILD = Path("/run/secrets/data")  # JSON of variables by name; see ship/host/data_secrets.py
HIDDEN = "…"
PASSWORD = re.compile(r"://[^:@/]*:([^@]*)@|password=([^&]*)")  # in a database's address


def load(file: Path = IN_BUILD) -> None:
    """Put the variables of a build's secret into the environment of this process.

    The content of a key file becomes a file in memory: one on the disk would stay in a layer.
    """
    if file.exists():
        os.environ.update(json.loads(file.read_text()))
    key = os.environ.get(GOOGLE, "")
    if key.lstrip().startswith("{"):
        descriptor = os.memfd_create(GOOGLE)
        os.write(descriptor, key.encode())
        os.environ[GOOGLE] = f"/proc/self/fd/{descriptor}"


def without(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without credentials, for what runs a model's code."""
    return {name: value for name, value in environ.items() if name not in SECRETS}


def redacted(error: BaseException) -> str:
    """Return the first line of an error without any credential that the environment holds."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    values = {os.environ[name] for name in SECRETS if name in os.environ}
    for passwords in PASSWORD.findall(os.environ.get(DATABASE, "")):
        values |= {*passwords, *map(unquote, passwords)}
    for value in sorted(filter(None, values), key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return text
