"""Vectorizers of texts: a graph is used only where it reads every text as scikit-learn does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contract import bundle
from contract.bundle import Parity, Runtime
from contract.spec.model_toml import ModelSpec
from serve.inference.predictor import open_predictor
from tests.support.models.folder import Folder, default_toml
from tests.support.models.train_here import train_here
from train.data import dataset
from train.data.split import Part, split
from train.export import hard_texts
from train.export.export import export
from train.export.parity import compare
from train.fit import estimator, evaluate
from train.fit.evaluate import Answers

pytestmark = pytest.mark.slow  # trains models

ROWS = 20_000
TOPICS = {
    "technique": "model code server compile test release image build the of and bug",
    "garden": "garden soil rain tree flower seed grow water the of and leaf",
}
TOML = (
    default_toml("t,y\n").replace('t = "numeric"', 't = "categorical"')
    + '[serve]\nunknown_category = "ignore"\n'
)
BUILD = """\
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


def build():
    return make_pipeline(ColumnTransformer([("texts", VECTORIZER, "t")]), LogisticRegression())
"""
# What is not in ASCII; onnxruntime ends a word there, and Python does not.
FOREIGN = ["modelé codeé serverö the of", "model".translate(hard_texts.FULL_WIDTH), "", "MODEL ☃"]


def sentences() -> str:
    """Return a CSV of 200 texts of two topics."""
    random = np.random.default_rng(0)
    lines = [
        f"{' '.join(random.choice(words.split(), 8))},{topic}"
        for _ in range(100)
        for topic, words in TOPICS.items()
    ]
    return "t,y\n" + "\n".join(lines) + "\n"


def write(folder: Folder, vectorizer: str) -> ModelSpec:
    """Write a model of texts that a vectorizer makes numbers of."""
    return folder.write(sentences(), TOML, BUILD.replace("VECTORIZER", vectorizer))


def fit(spec: ModelSpec) -> tuple[Any, Part]:
    """Return the fitted estimator of a model and its training rows."""
    training, _ = split(spec, dataset.load(spec))
    return estimator.build(spec).fit(training.X, training.y), training


@pytest.mark.daily(2)
@pytest.mark.parametrize(
    ("vectorizer", "runtime", "words"),
    [
        ("TfidfVectorizer()", "joblib", "locale"),
        ("CountVectorizer(stop_words=['the'])", "joblib", "locale"),
        ("CountVectorizer(lowercase=False)", "joblib", "numbers by up to 0."),
        ("CountVectorizer(lowercase=False, token_pattern='[a-zA-Z]+')", "onnx", "0 labels differ"),
    ],
)
def test_graph_of_texts_is_used_only_where_it_is_equal(
    folder: Folder, vectorizer: str, runtime: Runtime, words: str
) -> None:
    """A graph that ends words at the end of ASCII is not used; one that should, is."""
    spec = write(folder, vectorizer)
    fitted, training = fit(spec)
    exported = export(spec, fitted, dataset.schema(spec, training.X), training)
    assert exported.runtime == runtime
    assert words in exported.reason


@pytest.mark.nightly
@pytest.mark.parametrize(
    "vectorizer",
    [
        "TfidfVectorizer()",
        "CountVectorizer(analyzer='char_wb', ngram_range=(2, 3))",
        "HashingVectorizer(n_features=2**10)",
    ],
)
def test_served_model_reads_texts_as_the_estimator(
    folder: Folder, tmp_path: Path, vectorizer: str
) -> None:
    """Of 20,000 texts in every form, what is served labels each as the estimator does."""
    spec = write(folder, vectorizer)
    train_here(spec, tmp_path / "bundle")
    predictor = open_predictor(bundle.read(tmp_path / "bundle"), 1)
    fitted, training = fit(spec)
    known = np.resize(training.X["t"].to_numpy(), ROWS)
    texts = [*hard_texts.vary(np.random.default_rng(1), known, empty=False), *FOREIGN]
    _, scores = predictor([(text,) for text in texts])
    expected = evaluate.answer(fitted, pd.DataFrame({"t": texts}, dtype=object))
    got = Answers(np.array(scores.labels), np.array(scores.probabilities))
    assert compare(expected, got, 1.0) == Parity(
        rows=len(texts), label_mismatches=0, max_difference=0
    )
