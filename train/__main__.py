"""Train a model: python -m train NAME --out DIR."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import model
from model import spec
from model.errors import ModelError

GATE_FAILED = 3
# What the bytes of a bundle would otherwise depend on.
FIXED = {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def main() -> int:
    """Train the model named on the command line."""
    options = arguments()
    repeat_with_fixed_environment()
    checked = spec.read(options.name, options.models)
    from train import job  # noqa: PLC0415 - imports scikit-learn, which takes a second

    manifest = job.run(checked, options.out)
    if manifest.gate.passed or options.keep_going:
        return 0
    cure = "Improve build(), or look at card.md and mend [gate] in model.toml."
    print(f"error: {options.name} failed its gate; the bundle says so. {cure}", file=sys.stderr)
    return GATE_FAILED


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m train", description=__doc__)
    parser.add_argument("name", help="a folder in model/")
    parser.add_argument("--out", type=Path, required=True, help="where the bundle is written")
    parser.add_argument("--models", type=Path, default=model.ROOT, help="where the folders are")
    parser.add_argument(
        "--keep-going",
        action="store_true",
        help="exit 0 although the gate failed; write the bundle",
    )
    return parser.parse_args()


def repeat_with_fixed_environment() -> None:
    """Start again if need be: the hash seed and the thread counts are read when Python starts."""
    if any(os.environ.get(name) != value for name, value in FIXED.items()):
        sys.stdout.flush()
        os.environ.update(FIXED)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - this program


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ModelError as error:
        print(f"error: {error}".replace(f"{Path.cwd()}/", ""), file=sys.stderr)
        sys.exit(error.exit_code)
