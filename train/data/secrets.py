"""The credentials of a model's data: in the environment, or in the secret of a build."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from contract.spec.credentials import DATABASE, GOOGLE, SECRETS

IN_BUILD = Path("/run/secrets/data")  # JSON of variables by name; see ship/host/data_secrets.py
HIDDEN = "…"


def load(file: Path = IN_BUILD) -> None:
    """Put the variables of a build's secret into the environment of this process."""
    if not file.exists():
        return
    variables = json.loads(file.read_text())
    if GOOGLE in variables:  # the content of a key file
        descriptor, name = tempfile.mkstemp()
        os.write(descriptor, variables[GOOGLE].encode())
        os.close(descriptor)
        variables[GOOGLE] = name
    os.environ.update(variables)


def without(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without credentials, for what runs a model's code."""
    return {name: value for name, value in environ.items() if name not in SECRETS}


def redacted(error: BaseException) -> str:
    """Return the first line of an error without any credential that the environment holds."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    values = {os.environ[name] for name in SECRETS if name in os.environ}
    password = urlsplit(os.environ.get(DATABASE, "")).password
    if password:
        values |= {password, unquote(password)}
    for value in sorted(filter(None, values), key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    return text
