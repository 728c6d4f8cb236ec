"""What training many rows takes, beside the estimator's own fit and the size of the table."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from contract import bundle
from tests.support.servers.server import Server
from train.environment import FIXED

pytestmark = pytest.mark.nightly

FEW, MANY, COLUMNS = 100_000, 500_000, 20  # with FEW, what is bounded takes its most already
TABLE = (MANY - FEW) * COLUMNS * 8  # bytes of the further rows, as float64
ESTIMATOR = """
from sklearn.ensemble import HistGradientBoostingClassifier


def build():
    return HistGradientBoostingClassifier(max_iter=100, random_state=0)
"""
MODEL = """
description = "A model of many rows"
task = "classification"
target = "label"

[data]
source = "data.csv"
sha256 = "{sha256}"

[inputs]
{inputs}

[gate]
accuracy = {{ min = 0.7 }}
"""
FIT = """
import sys
from pathlib import Path

from sklearn.ensemble import HistGradientBoostingClassifier

from train.steps.rows import load_training

part = load_training(Path(sys.argv[1])).part
HistGradientBoostingClassifier(max_iter=100, random_state=0).fit(part.X, part.y)
"""
# A process that was forked from a large one counts its memory: this one is small.
MEASURED = """
import os, sys

pid = os.posix_spawn(sys.executable, [sys.executable, *sys.argv[2:]], os.environ)
_, status, used = os.wait4(pid, 0)
with open(sys.argv[1], "w") as file:
    print(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, file=file)
sys.exit(os.waitstatus_to_exitcode(status))
"""
STEPS = {
    "rows": [],
    "fit": ["rows"],
    "ask": ["rows", "export"],
    "question": ["rows", "export", "answers"],
    "score": ["asked"],
    "judge": ["rows", "export", "answers", "asked", "scored"],
}
WRITES = {"rows": "rows", "fit": "export", "ask": "answers", "question": "asked",
          "score": "scored", "judge": "judged/bundle"}  # fmt: skip


class Cost(NamedTuple):
    """Seconds of a processor, and the most bytes of memory."""

    seconds: float
    memory: int


class Training(NamedTuple):
    """What the steps of a training cost, and the fit by itself."""

    steps: dict[str, Cost]
    alone: Cost
    bundle: Path

    @property
    def seconds(self) -> float:
        """The seconds of all steps."""
        return sum(cost.seconds for cost in self.steps.values())

    @property
    def memory(self) -> int:
        """The most memory that a step took."""
        return max(cost.memory for cost in self.steps.values())


def cost(note: Path, *arguments: str) -> Cost:
    """Run Python, whose costs are noted in a file, and return them; fail where it fails."""
    command = [sys.executable, "-c", MEASURED, str(note), *arguments]
    subprocess.run(command, env={**os.environ, **FIXED}, check=True)
    seconds, memory = note.read_text().split()
    return Cost(float(seconds), int(memory))


def train(root: Path, rows: int) -> Training:
    """Train a model of so many rows, step by step."""
    folder = root / "models" / "many"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    X = random.normal(size=(rows, COLUMNS)).round(4)
    score = X[:, 0] + X[:, 1] * X[:, 2] + random.normal(size=rows) / 2
    table = pd.DataFrame(X, columns=[f"c{place}" for place in range(COLUMNS)])
    inputs = "\n".join(f'{name} = "numeric"' for name in table)
    table.assign(label=np.where(score > 0, "yes", "no")).to_csv(folder / "data.csv", index=False)
    sha256 = hashlib.sha256((folder / "data.csv").read_bytes()).hexdigest()
    (folder / "model.toml").write_text(MODEL.format(sha256=sha256, inputs=inputs))
    (folder / "README.md").write_text("# Many\n\nMade rows.\n\n## Limits\n\nNobody uses it.\n")
    (folder / "estimator.py").write_text(ESTIMATOR)
    steps = {}
    for step, needed in STEPS.items():
        known = [option for name in needed for option in (f"--{name}", str(root / name))]
        out = ["--out", str(root / WRITES[step])]
        command = ["-m", "train", "many", "--models", str(folder.parent), "--step", step]
        steps[step] = cost(root / "cost", *command, *known, *out)
    alone = cost(root / "cost", "-c", FIT, str(root / "rows"))
    return Training(steps, alone, root / WRITES["judge"])


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Training, Training]:
    """The same model, trained on FEW rows and on MANY."""
    few, many = (train(tmp_path_factory.mktemp("scale"), rows) for rows in (FEW, MANY))
    return few, many


def test_many_rows_cost_little_more_than_the_fit_to_them(
    trainings: tuple[Training, Training],
) -> None:
    """Further rows cost at most three times what the fit takes, and three times their size."""
    few, many = trainings
    fit = many.alone.seconds - few.alone.seconds
    assert many.seconds - few.seconds <= 3 * fit, (few, many)
    assert many.memory - few.memory <= 3 * TABLE, (few, many)


def test_what_is_served_does_not_grow_with_the_rows(trainings: tuple[Training, Training]) -> None:
    """A bundle is its model and a few kB, and its server starts in the same memory."""
    memory = []
    for training in trainings:
        sizes = {file.name: file.stat().st_size for file in training.bundle.iterdir()}
        assert bundle.HOLDOUT not in sizes
        assert bundle.EVALUATION not in sizes
        assert sum(sizes.values()) - sizes["model.onnx"] <= 50_000, sizes
        with Server(training.bundle) as server:
            memory.append(server.resident_mebibytes)
    few, many = memory
    assert many - few <= 5, memory
