"""Write the folder of a new model: NAME=… CSV=… TARGET=… python -m train.new_model."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from contract import models
from contract.console import guard
from contract.errors import ModelError
from train.environment import repeat_with_fixed_environment

ASKED = {
    "name": "lower-case letters, digits and underscores",
    "csv": "a table: CSV with a header (also .gz, .zst), Parquet or Arrow",
    "target": "the column to predict",
}


def main() -> int:
    """Write the folder that NAME, CSV and TARGET (arguments, or in the environment) ask for."""
    parser = argparse.ArgumentParser(prog="python -m train.new_model", description=__doc__)
    for name, what in ASKED.items():
        value = os.environ.get(name.upper(), "")
        parser.add_argument(name, nargs="?", default=value, help=f"{what}; default: {name.upper()}")
    parser.add_argument("--models", type=Path, help="the models' root; default: MODELS")
    options = parser.parse_args()
    if not all(getattr(options, name) for name in ASKED):
        parser.error("new-model needs NAME=…, CSV=… and TARGET=…")
    repeat_with_fixed_environment()
    from train.new_model.create import create  # noqa: PLC0415 - it imports scikit-learn

    try:
        create(options.name, Path(options.csv), options.target, options.models or models.root())
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    guard()
    sys.exit(main())
