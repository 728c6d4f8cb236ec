"""Real images of two runtimes, held against each other: their answers, their size, their speed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.bundle import read
from contract.evaluation.evaluation import read as evaluation_of
from ship.build import engine
from ship.build.workspace import Workspace
from ship.compare.image_server import serving
from ship.compare.published_answers import as_published
from ship.compare.published_model import PublishedImage, fetch
from ship.host.confined import MASQUERADE, NETWORK
from ship.pipeline.publish import publish
from ship.registry.layout import Layout
from ship.tags import Tag
from tests.image.container import docker
from tests.support.checkouts.canary import make, measurement, ratios, report, write
from tests.support.checkouts.fork import Fork
from tests.support.models.shop import LOGISTIC, flowers

pytestmark = pytest.mark.engine
# A step that ONNX has no operator for, and trees that take their time: scikit-learn serves it.
SLOW = '''\
import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline


class Sums(TransformerMixin, BaseEstimator):
    """Append the sum of the first two columns."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        X = np.asarray(X)
        return np.column_stack([X, X[:, 0] + X[:, 1]])


def build():
    return make_pipeline(Sums(), RandomForestClassifier(n_estimators=100, random_state=0))
'''


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fork]:
    """A fork that has published a model of joblib's as `main`."""
    fork = Fork(tmp_path_factory.mktemp("fork"))
    write(fork, SLOW, flowers())
    make(fork, "train", "gate", "image")
    assert fork.bundle.manifest.runtime == "joblib"
    publish(fork.archive, [Tag("main")], fork.published)
    yield fork
    engine.remove_names(fork.archive)


@pytest.fixture
def published(ratios: Workspace, tmp_path: Path) -> Iterator[PublishedImage]:
    """A published image of joblib's, as the gate fetches it."""
    layout = Layout(tmp_path / "registry")
    publish(ratios.archive, [Tag("main")], layout)
    image = fetch(layout, ratios.model, "main", tmp_path)
    yield image
    image.remove()


def names_in_engine() -> list[str]:
    """Return the names of all images in the engine."""
    return docker("images", "--format={{.Repository}}:{{.Tag}}").split()


@pytest.mark.nightly
def test_joblib_model_answers_in_its_own_container(
    published: PublishedImage, ratios: Workspace
) -> None:
    """A published joblib model, asked in its container, gives the recorded answers exactly."""
    held = evaluation_of(read(ratios.bundle))
    predictions, probabilities = as_published(published).ask(held.features)
    assert predictions == held.predictions
    assert probabilities == held.probabilities
    assert engine.held(published.stored) in names_in_engine()


@pytest.mark.nightly
def test_measured_container_is_bounded_and_without_a_way_out(published: PublishedImage) -> None:
    """A measured container runs within the limits of its hosts and has no way out."""
    with serving(published.image, published.bundle) as server:
        assert server.ask() > 0
        port = server.connection.port
        running = docker("ps", f"--filter=publish={port}", "--format={{.ID}}").strip()
        host = json.loads(docker("inspect", running))[0]["HostConfig"]
    assert (host["Memory"], host["MemorySwap"], host["PidsLimit"]) == (2**28, 2**28, 64)
    assert host["NetworkMode"] == NETWORK
    network = json.loads(docker("network", "inspect", NETWORK))[0]
    assert network["Options"][MASQUERADE] == "false"


@pytest.mark.nightly
def test_gate_asks_a_joblib_model_about_changed_data(fork: Fork) -> None:
    """More rows and another runtime: both answer the new rows, and the smaller image passes."""
    more = flowers(100, seed=1).partition("\n")[2]
    write(fork, LOGISTIC, flowers() + more)
    make(fork, "train", "gate")
    judged = report(fork)
    accuracy = judged["scores"][0]
    assert judged["old"]["runtime"] == "joblib"
    assert 150 < judged["compared"] == judged["rows"]  # by a hash: none was ever trained on
    assert 0.6 < accuracy["old"] < 0.95
    place = engine.place(fork.published.image(fork.published.resolve("main") or ""))
    assert [name for name in names_in_engine() if name.endswith(place)] == []

    make(fork, "image", "measure")
    assert ratios(fork) == {"size": True, "latency": True}


@pytest.mark.nightly
def test_larger_and_slower_image_is_refused(fork: Fork) -> None:
    """scikit-learn in place of ONNX is too large and too slow; a person may accept it."""
    write(fork, LOGISTIC, flowers())
    make(fork, "train", "gate", "image")
    publish(fork.archive, [Tag("main")], fork.published)
    write(fork, SLOW, flowers())
    make(fork, "train", "gate", "image")
    output = make(fork, "measure", code=2)
    assert ratios(fork) == {"size": False, "latency": False}
    assert "image size, MB must be at most 1.25 times the published image's. Got 8" in output
    assert measurement(fork).verdict == "failed"

    before, bundle = fork.archive.digest, fork.bundle.manifest
    make(fork, "accept", REASON="the new model needs it", WHO="octocat")
    output = make(fork, "measure")
    assert f":main, which was {fork.published.resolve('main')}" in output
    assert measurement(fork).verdict == "accepted"
    assert [line.what for line in measurement(fork).accepted] == ["image size", "image latency"]
    assert report(fork)["verdict"] == "passed"
    assert fork.archive.digest == before
    assert fork.bundle.manifest == bundle
