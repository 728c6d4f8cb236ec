"""A model's own metrics in the builder: they compare two models, and reach nothing but numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contract.bundle import read
from contract.evaluation import evaluation
from judge.report import DropCheck, Report
from ship.build import bundle_intake
from ship.build.build import train
from ship.build.workspace import Workspace
from ship.compare.gate import judge_bundle
from ship.errors import StageError
from ship.registry.destination import destination
from tests.support.checkouts.checkout import Checkout
from tests.support.images.bundle_images import publish_to
from tests.support.models.folder import Folder, default_toml
from tests.support.models.shop import LOGISTIC, STUMP, flowers
from tests.support.models.train_here import train_here
from tests.support.names import RUN

pytestmark = pytest.mark.engine

RULES = """\
[gate]
profit = { min = 1, drop = 0.1 }
[gate.segments.region]
profit = { min = 0 }
"""
PROFIT = """\
import numpy as np

from model._shared.prices import PRICE


def profit(truth, predictions):
    return PRICE * np.mean(truth == predictions)
"""
# Looks for what it must not have, and forges what it can reach.
HOSTILE = """\
import os
import socket

import contract.evaluation.own_metrics
import contract.evaluation.scores

contract.evaluation.scores.score = lambda *_: {"accuracy": 1.0, "profit": 9.0}


def profit(truth, predictions, probabilities):
    try:
        socket.create_connection(("1.1.1.1", 53), timeout=2)
        way = "out"
    except OSError:
        way = "none"
    here = sorted({"answers", "export", "rows"} & {*os.listdir("/")})
    data = os.path.exists("/app/model/made/data.csv")
    print(f"LOOKED way={way} net={os.listdir('/sys/class/net')} here={here} data={data}")
    return 1.0
"""


class Shelf:
    """A checkout with a model `made`, and where its results lie."""

    def __init__(self, root: Path, image: str) -> None:
        self.checkout = Checkout(root)
        self.folder = Folder(root / "made")
        self.folder.path.mkdir()
        self.build = Workspace("made", image, root.parent / "dist")

    def write(self, estimator: str, metrics: str, rows: int = 600) -> None:
        """Write and commit the model."""
        toml = default_toml("length,width,noise,kind\n").partition("[gate]")[0] + RULES
        shared = self.folder.root / "_shared"
        shared.mkdir(exist_ok=True)
        (shared / "prices.py").write_text("PRICE = 10\n")
        (self.folder.path / "metrics.py").write_text(metrics)
        self.spec = self.folder.write(flowers(rows), toml, estimator)
        self.checkout.commit()

    def train(self, name: str) -> Path:
        """Train the model here, and return its bundle."""
        out = self.folder.root.parent / name / "bundle"
        train_here(self.spec, out)
        return out


@pytest.fixture
def shelf(tmp_path: Path, python_image: str, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """An empty shelf, whose folder of models is the one of this process."""
    monkeypatch.delenv("REGISTRY", raising=False)
    root = tmp_path / "models"
    root.mkdir()
    monkeypatch.setenv("MODELS", str(root))
    return Shelf(root, python_image)


def drop_of(report: Report) -> DropCheck:
    """Return the check of the only drop that the gate bounds."""
    (check,) = (check for check in report.checks if isinstance(check, DropCheck))
    return check


@pytest.mark.nightly
def test_own_metric_compares_with_the_published_model(shelf: Shelf, tmp_path: Path) -> None:
    """It is compared on the recorded answers, under resamples of their rows, by segment too."""
    shelf.write(LOGISTIC, PROFIT)
    published = read(shelf.train("first"))
    publish_to(destination("made", shelf.build.dist), published, tmp_path, "main")
    shelf.write(STUMP, PROFIT)
    bundle_intake.take(shelf.train("second"), shelf.build.bundle)
    report = judge_bundle(shelf.build)
    by_name = {score.metric: score for score in report.scores}
    profit, accuracy = by_name["profit"], by_name["accuracy"]
    assert report.scores[0] is profit
    assert profit.old is not None
    assert accuracy.old is not None
    assert (profit.new, profit.old) == pytest.approx((10 * accuracy.new, 10 * accuracy.old))
    assert profit.test == "paired bootstrap"
    assert profit.high is not None
    assert profit.high < 0
    assert not drop_of(report).passed
    assert report.verdict == "failed"
    assert {segment.where.column for segment in report.segments if segment.gated} == {"region"}
    for segment in report.segments:
        assert [score.metric for score in segment.scores] == ["profit"]
        assert segment.scores[0].old is not None


@pytest.mark.nightly
def test_own_metric_that_fails_ends_the_gate_by_name(shelf: Shelf) -> None:
    """A function that fails in a comparison is named in the error of the stage."""
    shelf.write(LOGISTIC, PROFIT)
    bundle_intake.take(shelf.train("first"), shelf.build.bundle)
    shelf.write(LOGISTIC, "def profit(truth, predictions):\n    raise ValueError('no price')\n")
    with pytest.raises(StageError, match=r"metrics\.py: profit must be .*ValueError: no price"):
        judge_bundle(shelf.build)


def test_own_metric_sees_no_rows_no_model_and_no_network(shelf: Shelf) -> None:
    """In the build it gets truth and answers alone, and changes no figure but its own."""
    shelf.write(
        STUMP, f"{HOSTILE}\n# {RUN}\n"
    )  # which no earlier run has left in the build's cache
    train(shelf.build)
    log = (shelf.build.folder / "bundle.log").read_text()
    looked = {line.partition("LOOKED ")[2] for line in log.splitlines() if "LOOKED way" in line}
    # While it is fitted, the forged scorer answers in place of the metric.
    assert {line.partition(" (")[0].strip() for line in looked} == {
        "way=none net=['lo'] here=[] data=False"
    }
    assert re.search(r"cross-val +2 folds of \d+ rows: accuracy 1, profit 9", log)
    manifest, held = shelf.build.manifest, evaluation.read(read(shelf.build.bundle))
    pairs = zip(held.truth, held.predictions, strict=True)
    right = sum(truth == answer for truth, answer in pairs)
    assert manifest.metrics.holdout["accuracy"] == pytest.approx(right / len(held.truth))
    assert manifest.metrics.holdout["profit"] == 1.0
