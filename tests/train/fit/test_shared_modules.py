"""A model's code may import modules that models share, wherever it runs."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import joblib
import pytest

from contract.errors import ModelError
from ship import git
from tests.support.models.folder import RATIOS, Folder, two_classes
from tests.support.models.train_here import train_here
from train.fit import backend, estimator

USER = """\
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

{imported}


def build():
    return make_pipeline({name}(), LogisticRegression())
"""
STEP = '''\
"""A step that ONNX has no operator for."""

from sklearn.base import BaseEstimator, TransformerMixin

from model._base.factor import FACTOR


class Scaled(TransformerMixin, BaseEstimator):
    """Multiply by a number that another shared module has."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X * FACTOR
'''
IMPORTS = {
    "from model._shared.steps import Scaled": "Scaled",
    "from .._shared.steps import Scaled": "Scaled",
    "import model._shared.steps as steps": "steps.Scaled",
    "from model._shared import steps": "steps.Scaled",
}


@pytest.fixture
def sharing(folder: Folder) -> Folder:
    """A folder beside which two shared folders are, the one with what the other needs."""
    for name, content in {"_shared/steps.py": STEP, "_base/factor.py": "FACTOR = 2.0\n"}.items():
        (folder.root / name).parent.mkdir()
        (folder.root / name).write_text(content)
    return folder


@pytest.mark.parametrize("imported", IMPORTS)
def test_shared_module_is_importable(sharing: Folder, imported: str) -> None:
    """Each way to import it works, and a pickle names it by where an image has it."""
    code = USER.format(imported=imported, name=IMPORTS[imported])
    built = estimator.build(sharing.write(two_classes(), estimator=code))
    assert type(built[0]).__module__ == "model._shared.steps"
    assert b"model._shared.steps" in pickle.dumps(built)


def test_shared_module_is_read_again(sharing: Folder) -> None:
    """A second model does not get the modules that were imported for the first."""
    code = USER.format(imported="from model import _shared\nfrom model._shared import steps",
                       name="steps.Scaled")  # fmt: skip
    spec = sharing.write(two_classes(), estimator=code)
    first = type(estimator.build(spec)[0])
    (sharing.root / "_shared/steps.py").write_text(STEP.replace("Multiply", "Scale"))
    second = type(estimator.build(spec)[0])
    assert [str(kind.__doc__).split()[0] for kind in (first, second)] == ["Multiply", "Scale"]


def test_missing_shared_module_is_named_with_its_cure(sharing: Folder) -> None:
    """A shared folder that is not there is named, and where it would have to be."""
    code = USER.format(imported="from model._shred.steps import Scaled", name="Scaled")
    words = r"No module named 'model\._shred'.* as model\._… the modules"
    with pytest.raises(ModelError, match=words):
        estimator.build(sharing.write(two_classes(), estimator=code))


@pytest.mark.nightly
@pytest.mark.slow
def test_shared_module_travels_to_workers(sharing: Folder) -> None:
    """A worker, which has no folder of models, gets the code of shared modules with its task."""
    code = USER.format(imported="import model._shared.steps as steps", name="steps.Scaled")
    built = estimator.build(sharing.write(two_classes(), estimator=code))
    with backend.workers(), joblib.parallel_config(backend="loky", n_jobs=2):
        scaled = joblib.Parallel()(joblib.delayed(built[0].transform)(number) for number in (1, 2))
    assert scaled == [2.0, 4.0]


@pytest.mark.slow
def test_model_with_a_shared_step_is_trained_and_served_from_its_pickle(
    sharing: Folder, tmp_path: Path
) -> None:
    """The pickle of a bundle is answered where only the folders of an image are."""
    shared = RATIOS.replace("def build", "def unused")
    (sharing.root / "_shared/steps.py").write_text(shared)
    code = USER.format(imported="from model._shared.steps import Ratios", name="Ratios")
    lines = [f"{row % 7 + 1},{row % 5 + 1},{'ab'[row % 7 > row % 5]}" for row in range(80)]
    spec = sharing.write("x,z,y\n" + "\n".join(lines) + "\n", estimator=code)
    manifest = train_here(spec, tmp_path / "bundle")
    assert manifest.runtime == "joblib"
    app = tmp_path / "app"
    for file in (sharing.path / "estimator.py", sharing.root / "_shared/steps.py"):
        copy = app / "model" / file.relative_to(sharing.root)
        copy.parent.mkdir(parents=True)
        shutil.copy(file, copy)
    process = subprocess.run(
        [sys.executable, "-m", "serve", "check", tmp_path / "bundle"], cwd=git.TOOL,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(app)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert "golden examples answered as recorded" in process.stdout, process.stderr
