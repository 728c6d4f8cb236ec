"""Model folders that a test writes, changes and trains."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import pytest

from contract.spec import model_toml
from contract.spec.model_toml import ModelSpec

FOREST = """\
from sklearn.ensemble import RandomForestClassifier


def build():
    return RandomForestClassifier(n_estimators=10, random_state=0)
"""


MIXED = """\
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder


def build():
    columns = make_column_transformer(
        (SimpleImputer(), make_column_selector(dtype_include=float)),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include=object)),
    )
    return make_pipeline(columns, RandomForestClassifier(n_estimators=10, random_state=0))
"""
VISITS = '''
"""Every kind of column: texts and categories one-hot, dates as the day of the week."""

from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder


def weekday(X):
    return X.apply(lambda dates: dates.dt.day_of_week)


def build():
    columns = make_column_transformer(
        (make_pipeline(FunctionTransformer(weekday), SimpleImputer()), ["day"]),
        (SimpleImputer(), ["smoker", "age"]),
        (CountVectorizer(), "note"),
        (OneHotEncoder(handle_unknown="ignore"), ["ward"]),
    )
    return make_pipeline(columns, LogisticRegression(max_iter=1000))
'''
RIDGE = "from sklearn.linear_model import Ridge\n\n\ndef build():\n    return Ridge()\n"

RATIOS = '''
"""A step that ONNX has no operator for."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


class Ratios(TransformerMixin, BaseEstimator):
    """Append the ratio of the first two columns."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        X = np.asarray(X)
        return np.column_stack([X, X[:, 0] / X[:, 1]])


def build():
    return make_pipeline(Ratios(), LogisticRegression(max_iter=1000))
'''


class Folder(NamedTuple):
    """A model folder to change and train."""

    path: Path

    @property
    def root(self) -> Path:
        """The folder of the models."""
        return self.path.parent

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.path.name

    def write(self, csv: str, toml: str = "", estimator: str = FOREST) -> ModelSpec:
        """Write the folder's files and read its spec; a toml of its own replaces the default."""
        content = csv.encode()
        sha256 = hashlib.sha256(content).hexdigest()
        (self.path / "data.csv").write_bytes(content)
        (self.path / "model.toml").write_text((toml or default_toml(csv)).replace("SHA256", sha256))
        (self.path / "estimator.py").write_text(estimator)
        (self.path / "README.md").write_text("# Title\n\nWhat it is.\n\n## Limits\n\nMany.\n")
        return model_toml.read(self.name, self.root)

    def write_birds(self) -> ModelSpec:
        """A classification of numbers and texts, of which some are missing."""
        lines = [
            f"{row % 2 * 4 + row / 90:.2f},{'' if row % 9 == 0 else 'uvw'[row % 3]},{'yn'[row % 2]}"
            for row in range(120)
        ]
        toml = default_toml("size,colour,y\n").replace(
            'colour = "numeric"', 'colour = "categorical"'
        )
        return self.write("size,colour,y\n" + "\n".join(lines) + "\n", toml, MIXED)

    def write_visits(self) -> ModelSpec:
        """A classification of a column of every kind, with gaps in all of them."""
        notes = ["Pain: left knee", "no pain", "", "ça va"]
        lines = [
            f"{'' if row % 17 == 0 else f'2024-{row % 12 + 1:02}-{row % 28 + 1:02} 0{row % 9}:30Z'}"
            f",{('yes', 'No', '')[row % 3]},{notes[row * 7 % 4]},{'ew'[row % 2]},{20 + row % 60},"
            f"{'again' if row % 3 == 0 or row * 7 % 4 == 0 else 'never'}"
            for row in range(160)
        ]
        csv = "day,smoker,note,ward,age,y\n" + "\n".join(lines) + "\n"
        toml = default_toml(csv)
        for name, kind in {
            "day": '"date"',
            "smoker": '{ kind = "boolean", true = "yes", false = "no" }',
            "note": '"text"',
            "ward": '{ kind = "categorical", unknown_category = "ignore" }',
            "age": '{ kind = "numeric", out_of_range = "reject" }',
        }.items():
            toml = toml.replace(f'{name} = "numeric"', f"{name} = {kind}")
        return self.write(csv, toml, VISITS)

    def write_prices(self) -> ModelSpec:
        """A regression."""
        lines = [f"{row},{row % 7},{row * 2 + row % 7 * 0.5}" for row in range(80)]
        toml = default_toml("a,b,y\n").replace("classification", "regression")
        toml = toml.replace("accuracy", "r2")
        return self.write("a,b,y\n" + "\n".join(lines) + "\n", toml, RIDGE)


def default_toml(csv: str) -> str:
    """Return a classification of the last column from all others, which are numbers.

    The split is stratified, as the tables of tests are small.
    """
    *inputs, target = csv.partition("\n")[0].split(",")
    return (
        f'description = "A test"\ntask = "classification"\ntarget = "{target}"\n'
        '[data]\nsource = "data.csv"\nsha256 = "SHA256"\n'
        "[inputs]\n" + "".join(f'{name} = "numeric"\n' for name in inputs) + "[split]\n"
        'method = "random"\n[evaluate]\nfolds = 2\n[gate]\naccuracy = { min = 0.5 }\n'
    )


def two_classes(rows: int = 40) -> str:
    """Return a CSV of a number and a class that it decides."""
    lines = [f"{row / rows + row % 2:.3f},{'no' if row % 2 else 'yes'}" for row in range(rows)]
    return "x,y\n" + "\n".join(lines) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder for a model called `made`."""
    path = tmp_path / "made"
    path.mkdir()
    return Folder(path)
