"""Hand the credentials of a model's data to a build, as a secret of the steps that read it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from contract.spec.credentials import GOOGLE, SECRETS
from ship.errors import UsageError


def given() -> dict[str, str]:
    """Return the credentials in the environment by name; a key file is given by its content.

    Raises UsageError for a key file that is not there.
    """
    variables = {name: os.environ[name] for name in SECRETS if os.environ.get(name)}
    key = variables.get(GOOGLE, "{")
    if not key.lstrip().startswith("{"):
        try:
            variables[GOOGLE] = Path(key).read_text()
        except OSError as error:
            expected = "the path of a key file, or its content"
            raise UsageError(f"{GOOGLE} must be {expected}. Got: {error.strerror}.") from None
    return variables


def write(folder: Path) -> dict[str, str]:
    """Write the credentials of the environment into a file in `folder`.

    Returns the variable that docker-bake.hcl reads; none without credentials.
    """
    variables = given()
    if not variables:
        return {}
    file = folder / "data.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(variables))
    return {"DATA_SECRETS": str(file)}
