"""Commits of a fork's one model, and what its gate made of them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ship.build.workspace import MEASUREMENT
from ship.compare.measure import Measurement, read_measurement
from tests.support.checkouts.fork import MODEL, Fork


def write(fork: Fork, estimator: str, rows: str) -> None:
    """Write the fork's model, and commit it."""
    sha256 = hashlib.sha256(rows.encode()).hexdigest()
    toml = (
        'description = "A test"\ntask = "classification"\ntarget = "kind"\n'
        f'[data]\nsource = "data.csv"\nsha256 = "{sha256}"\n'
        '[inputs]\nlength = "numeric"\nwidth = "numeric"\nnoise = "numeric"\n'
        "[gate]\naccuracy = { min = 0.2, drop = 0.1 }\n"
    )
    files = {"data.csv": rows, "estimator.py": estimator, "model.toml": toml,
             "README.md": "# Canary\n\nA test.\n"}  # fmt: skip
    folder = fork.root / "model" / MODEL
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content)
    fork.commit()


def make(fork: Fork, *words: str, code: int = 0, **variables: str) -> str:
    """Run words of the Makefile, which must end with this code, and return what they print."""
    process = fork.make(*words, MODEL=MODEL, **variables)
    assert process.returncode == code, process.stdout + process.stderr
    return process.stdout


def report(fork: Fork) -> dict[str, Any]:
    """Return the report of the gate as JSON."""
    judged: dict[str, Any] = json.loads((fork.root / "dist" / MODEL / "report.json").read_bytes())
    return judged


def measurement(fork: Fork) -> Measurement:
    """Return the measurement of the image."""
    return read_measurement(fork.root / "dist" / MODEL / MEASUREMENT)


def ratios(fork: Fork) -> dict[str, bool]:
    """Return the verdicts on size and speed."""
    return {check.figure: check.passed for check in measurement(fork).checks}
