"""Hand the credentials of a model's data to a build, as a secret of the steps that read it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from contract.spec.credentials import GOOGLE, SECRETS


def write(folder: Path) -> dict[str, str]:
    """Write the credentials of the environment into a file in `folder`.

    Returns the variable that docker-bake.hcl reads; none without credentials.
    """
    variables = {name: os.environ[name] for name in SECRETS if os.environ.get(name)}
    if not variables:
        return {}
    if GOOGLE in variables:
        variables[GOOGLE] = Path(variables[GOOGLE]).read_text()
    file = folder / "data.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(variables))
    return {"DATA_SECRETS": str(file)}
