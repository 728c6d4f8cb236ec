"""Train in the tests' own process: for folders that the tests wrote themselves, and no others."""

from __future__ import annotations

import tempfile
from pathlib import Path

from contract.bundle import Manifest
from contract.spec.model_toml import ModelSpec
from train.log import Log
from train.steps import ask, assemble, fit, question, score
from train.steps.assemble import Steps
from train.steps.rows import prepare


def train_here(spec: ModelSpec, out: Path) -> Manifest:
    """Take every step of `python -m train` one after the other, and write the bundle into `out`."""
    log = Log(spec.name)
    with tempfile.TemporaryDirectory() as folder:
        steps = Steps(*(Path(folder, name) for name in Steps._fields))
        prepare(spec, steps.rows, log)
        fit.run(spec, steps.rows, steps.export, log)
        ask.run(spec, steps.rows, steps.export, steps.answers, log)
        question.run(spec, steps, steps.asked)
        score.run(spec, steps.asked, steps.scored, log)
        return assemble.run(spec, steps, out, log)
