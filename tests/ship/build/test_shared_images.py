"""Modules that models share, through the builder: into training, and into the images of pickles."""

from __future__ import annotations

import io
import tarfile

import pytest

from ship.build import base_image
from ship.registry.oci_archive import Archive
from tests.support.checkouts.canary import write
from tests.support.checkouts.fork import MODEL, Fork, make_unique
from tests.support.models.folder import RATIOS
from tests.support.models.shop import flowers
from tests.support.names import RUN

pytestmark = [pytest.mark.engine, pytest.mark.nightly]  # builds two images

OTHER = f"graph_{RUN}"  # is served by a graph, and shares another module
LOGISTIC = """\
from sklearn.linear_model import LogisticRegression

from model._base.numbers import C


def build():
    return LogisticRegression(C=C)
"""
PICKLED = "from model._shared.steps import build\n\n__all__ = ['build']\n"


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Fork:
    """A fork with two models, each with modules that it shares, and their images."""
    fork = Fork(tmp_path_factory.mktemp("fork"))
    shared = {
        "_shared/steps.py": RATIOS.replace("/ X[:, 1]", "/ (1 + X[:, 1] ** 2)"),  # always finite
        "_shared/notes.csv": "a,b\n1,2\n",
        "_base/numbers.py": "C = 0.5\n",
    }
    for name, content in shared.items():
        file = fork.models / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    make_unique(fork.models / "_shared/steps.py")
    write(fork, LOGISTIC, flowers(120))
    (fork.models / MODEL).rename(fork.models / OTHER)
    write(fork, PICKLED, flowers(120))
    for model in (MODEL, OTHER):
        fork.run("train", "gate", "image", MODEL=model)
    return fork


def modules(fork: Fork, model: str) -> set[str]:
    """Return the shared files in an image, by their names below the folder of the models."""
    archive = Archive(fork.root / "dist" / model / "image.tar")
    files: set[str] = set()
    for layer in base_image.own_layers(archive):
        with tarfile.open(fileobj=io.BytesIO(archive.blob(layer["digest"]))) as content:
            files |= {file.name.partition("/model/")[2] for file in content if file.isfile()}
    return {name for name in files if name.startswith("_") and not name.endswith(".pyc")}


def test_image_of_a_pickle_has_the_modules_that_it_uses(fork: Fork) -> None:
    """They are where the pickle looks for them, or no image would have answered its examples."""
    assert fork.bundle.manifest.runtime == "joblib"
    assert modules(fork, MODEL) == {"_shared/steps.py"}


def test_image_of_a_graph_has_none(fork: Fork) -> None:
    """What a graph was trained with is no part of its image."""
    text = (fork.root / "dist" / OTHER / "bundle/manifest.json").read_text()
    assert '"runtime": "onnx"' in text
    assert "C=0.5" in text
    assert modules(fork, OTHER) == set()


def test_edit_trains_those_that_use_the_module_again(fork: Fork) -> None:
    """An edit of a shared module trains the model that uses it, and leaves the other as it is."""
    before = Archive(fork.root / "dist" / OTHER / "image.tar").digest
    make_unique(fork.models / "_shared/steps.py")
    fork.commit()
    for model in (MODEL, OTHER):
        fork.run("train", "gate", "image", MODEL=model)
    assert fork.trained(MODEL)
    assert not fork.trained(OTHER)
    assert Archive(fork.root / "dist" / OTHER / "image.tar").digest == before
