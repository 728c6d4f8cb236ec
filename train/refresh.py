"""Print the sha256 of a model's data as they are now: python -m train.refresh NAME.

It reads them as a training does, with the same credentials, and runs no code of the model.
"""

from __future__ import annotations

import sys

from contract.console import guard
from contract.errors import ModelError
from contract.spec import model_toml
from train.data import download, secrets


def main(name: str) -> int:
    """Print the hash and return the exit code; print as one line why there is none."""
    secrets.load()
    try:
        print(download.sha256_now(model_toml.read(name, data_here=False)))
    except ModelError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    guard()
    sys.exit(main(*sys.argv[1:]))
