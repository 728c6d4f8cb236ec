"""A fit makes the same model on one core, on all of them, and on a cluster."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distributed
import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from contract import bundle
from ship import git
from tests.support.models.folder import Folder, two_classes

pytestmark = pytest.mark.slow  # trains models

SEARCH = '''\
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline


class Scaled(TransformerMixin, BaseEstimator):
    """A step of the model's own, which workers can only get from here."""

    def __init__(self, by=1.0):
        self.by = by

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def transform(self, X):
        return X * self.by


def build():
    steps = make_pipeline(Scaled(), LogisticRegression())
    return GridSearchCV(steps, {"scaled__by": [1e-6, 2.0], "logisticregression__C": [1, 10]}, cv=2)
'''


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a Dask scheduler with two workers, each a process of its own."""
    options: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    options |= {"host": "127.0.0.1", "processes": True}
    with distributed.LocalCluster(**options) as running:  # type: ignore[no-untyped-call]
        yield running.scheduler_address


def train(folder: Folder, out: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Train a model with these settings in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "train", folder.name, "--models", folder.root, "--out", out],
        env={**os.environ, **settings}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.nightly  # a cluster and two trainings in processes
def test_search_on_a_cluster_makes_the_same_bundle(
    folder: Folder, tmp_path: Path, cluster: str
) -> None:
    """A search on two Dask workers makes the same bytes as one on this machine."""
    folder.write(two_classes(120), estimator=SEARCH)
    here = train(folder, tmp_path / "here")
    there = train(folder, tmp_path / "there", TRAIN_BACKEND="dask", ADDRESS=cluster)
    assert (here.returncode, there.returncode) == (0, 0), here.stderr + there.stderr
    assert "Scaled(by=2.0)" in bundle.read(tmp_path / "here").manifest.estimator
    assert {file.name: file.read_bytes() for file in (tmp_path / "here").iterdir()} == {
        file.name: file.read_bytes() for file in (tmp_path / "there").iterdir()
    }
    assert (
        tasks_run(cluster) >= 6
    )  # two folds of the evaluation and the fit, two batches each or more


FOREST = """\
from sklearn.ensemble import RandomForestClassifier


def build():
    return RandomForestClassifier(n_estimators=40, random_state=0)
"""


@pytest.mark.nightly  # a cluster and two trainings in processes
def test_forest_of_a_partitioned_folder_grows_on_two_workers(
    folder: Folder, tmp_path: Path, cluster: str
) -> None:
    """Both workers grow trees from a folder of Parquet files, and the bundle is as without them."""
    numbers = np.arange(400)
    table = pa.table({"x": numbers * 37 % 101, "y": np.where(numbers * 37 % 101 > 50, "b", "a")})
    (folder.path / "rows").mkdir()
    for part in range(4):
        file = folder.path / "rows" / f"part-{part}.parquet"
        parquet.write_table(table.slice(100 * part, 100), file)
    folder.write(two_classes(), estimator=FOREST)
    toml = (folder.path / "model.toml").read_text().replace("data.csv", "rows")
    sums = "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted((folder.path / "rows").iterdir())
    )
    pinned = re.sub("[0-9a-f]{64}", hashlib.sha256(sums.encode()).hexdigest(), toml)
    (folder.path / "model.toml").write_text(pinned)
    before = tasks_of_workers(cluster)
    here = train(folder, tmp_path / "here")
    there = train(folder, tmp_path / "there", TRAIN_BACKEND="dask", ADDRESS=cluster)
    assert (here.returncode, there.returncode) == (0, 0), here.stderr + there.stderr
    assert {file.name: file.read_bytes() for file in (tmp_path / "here").iterdir()} == {
        file.name: file.read_bytes() for file in (tmp_path / "there").iterdir()
    }
    after = tasks_of_workers(cluster)
    assert [after[worker] - before[worker] >= 10 for worker in before] == [True, True]


def tasks_of_workers(address: str) -> dict[str, int]:
    """Count the tasks that each worker has run."""
    with distributed.Client(address) as client:  # type: ignore[no-untyped-call]
        counts: dict[str, int] = client.run(lambda dask_worker: dask_worker.state.executed_count)
    return counts


def tasks_run(address: str) -> int:
    """Count the batches of candidates that the workers have run."""
    return sum(tasks_of_workers(address).values())


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"TRAIN_BACKEND": "spark"}, "must be local or dask or ray. Got 'spark' instead."),
        ({"TRAIN_BACKEND": "ray"}, "TRAIN_BACKEND=ray must be installed."),
        ({"TRAIN_BACKEND": "dask"}, "ADDRESS must be that of a Dask scheduler. Got '' instead."),
    ],
)
def test_backend_that_cannot_be_used_is_named(
    folder: Folder, tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    """A wrong backend is one line with its cure."""
    folder.write(two_classes(), estimator=SEARCH)
    process = train(folder, tmp_path / "out", **settings)
    assert process.returncode == 2
    assert words in process.stderr


def test_make_says_that_its_builder_reaches_no_cluster() -> None:
    """`make train` with a cluster is refused with the two commands to run instead."""
    command = [sys.executable, "-m", "ship", "train"]
    environment = {**os.environ, "TRAIN_BACKEND": "dask"}
    process = subprocess.run(
        command, cwd=git.TOOL, env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 2
    assert "TRAIN_BACKEND=dask ADDRESS=… python -m train NAME --out bundle" in process.stderr
