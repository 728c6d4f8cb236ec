"""Small real models, trained from tables made here."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from contract import bundle
from contract.bundle import EVALUATION, Bundle
from contract.evaluation.evaluation import beside
from contract.evaluation.record import Record, decode
from contract.spec import model_toml
from judge.judge import PublishedModel, judge
from judge.report import Report
from ship.compare.published_answers import ask_graph
from tests.support.models.train_here import train_here

FOREST = """\
from sklearn.ensemble import RandomForestClassifier


def build():
    return RandomForestClassifier(n_estimators=20, max_depth=6, random_state={seed})
"""
LOGISTIC = """\
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def build():
    return make_pipeline(StandardScaler(), LogisticRegression())
"""
STUMP = """\
from sklearn.tree import DecisionTreeClassifier


def build():
    return DecisionTreeClassifier(max_depth=1, random_state=0)
"""
GATE = """\
accuracy = { min = 0.5, drop = 0.01 }
log_loss = { max = 2, drop = 0.02 }
"""


def flowers(rows: int = 600, seed: int = 0, shift: float = 0.0) -> str:
    """Return a CSV of three numbers, a region and one of three kinds, which they tell roughly."""
    random = np.random.default_rng(seed)
    kinds = random.integers(0, 3, rows)
    numbers = random.normal(size=(rows, 3)) + np.stack([kinds, kinds**2, kinds * 0], axis=1)
    regions = random.choice(["north", "south", "west"], rows, p=[0.5, 0.3, 0.2])
    lines = [
        f"{a + shift:.4f},{b:.4f},{c:.4f},{region},{'abc'[kind]}"
        for (a, b, c), region, kind in zip(numbers, regions, kinds, strict=True)
    ]
    return "length,width,noise,region,kind\n" + "\n".join(lines) + "\n"


class Shop:
    """Trains models named `made` in folders of their own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.count = 0
        self.trained: dict[tuple[str, str, str, str], Path] = {}

    def spec(
        self, csv: str, estimator: str, gate: str = GATE, inputs: str = ""
    ) -> model_toml.ModelSpec:
        """Write a new model folder, and return what its model.toml says."""
        self.count += 1
        folder = self.root / str(self.count) / "made"
        folder.mkdir(parents=True)
        (folder / "data.csv").write_text(csv)
        names = inputs.split() or ["length", "width", "noise"]
        (folder / "model.toml").write_text(
            'description = "A test"\ntask = "classification"\ntarget = "kind"\n'
            f'[data]\nsource = "data.csv"\nsha256 = "{hashlib.sha256(csv.encode()).hexdigest()}"\n'
            "[inputs]\n" + "".join(f'{name} = "numeric"\n' for name in names) + "[split]\n"
            f'method = "random"\ntest_size = 0.4\n[evaluate]\nfolds = 2\n[gate]\n{gate}'
        )
        (folder / "estimator.py").write_text(estimator)
        (folder / "README.md").write_text("# Made\n\nA test.\n")
        return model_toml.read("made", folder.parent)

    def train(self, csv: str, estimator: str, gate: str = GATE, inputs: str = "") -> Bundle:
        """Return the bundle of a model, which is trained at its first use."""
        recipe = csv, estimator, gate, inputs
        if recipe not in self.trained:
            read = self.spec(*recipe)
            self.trained[recipe] = read.folder.parent / "bundle"
            train_here(read, self.trained[recipe])
        return bundle.read(self.trained[recipe])

    def judge(self, new: Bundle, old: Bundle | None) -> Report:
        """Judge by the policy that the new model's folder holds."""
        policy = model_toml.read("made", new.path.parent).gate
        return judge(new, published(old) if old else None, policy).report


def published(old: Bundle) -> PublishedModel:
    """Return a bundle as if it had been published."""
    return PublishedModel(old, "sha256:old", "layout:main", partial(ask_graph, old), record_of(old))


def record_of(bundle: Bundle) -> Record:
    """Return the evaluation that is kept of a bundle, as a comparison gets it from a registry."""
    content = (beside(bundle.path) / EVALUATION).read_bytes()
    return decode(content, bundle.manifest.beside[EVALUATION], bundle.path)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Where models are trained."""
    return Shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def good(shop: Shop) -> Bundle:
    """The published model: a logistic regression that suits the data."""
    return shop.train(flowers(), LOGISTIC)
