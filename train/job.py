"""One training on this machine: each step in a process of its own, as in the stages of the build.

Unlike in the build, the steps share a file system and a network, so that its result is only as
trustworthy as the model's code. The pipeline that gets it by BUNDLE= asks and judges the exported
model again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from contract.spec.model_toml import ModelSpec
from train.data import secrets


def run(spec: ModelSpec, out: Path, *, keep_going: bool) -> int:
    """Train a model and write its bundle into `out`; return the exit code of the last step."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("rows", "export", "answers", "asked", "scored")
        rows, export, answers, asked, scored = (Path(folder, name) for name in names)
        answered: list[str | Path] = ["--rows", rows, "--export", export, "--answers", answers]
        steps: list[list[str | Path]] = [
            ["rows", "--out", rows],
            ["fit", "--rows", rows, "--out", export],
            ["ask", "--rows", rows, "--export", export, "--out", answers],
            ["question", *answered, "--out", asked],
            ["score", "--asked", asked, "--out", scored],
            ["judge", *answered, "--asked", asked, "--scored", scored, "--out", out],
        ]
        for step, *options in steps:
            command = [sys.executable, "-m", "train", spec.name, "--step", str(step)]
            command += map(str, options)
            command += ["--models", str(spec.folder.parent)]
            command += ["--keep-going"] if keep_going else []
            environment = None if step == "rows" else secrets.without(os.environ)
            code = subprocess.run(command, env=environment, check=False).returncode
            if code:
                return code
    return 0
