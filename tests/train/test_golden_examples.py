"""Golden examples are rows that nobody's data holds, and that a server takes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contract.bundle import Example, Input, Manifest, Serving
from contract.errors import ModelError
from contract.spec import model_toml
from tests.support.images.passed_images import manifest
from tests.support.models.folder import Folder, default_toml
from train.data import dataset
from train.data.dataset import features
from train.data.split import Part, split
from train.fit.evaluate import Answers
from train.steps import golden_examples, synthetic_rows
from train.steps.answers import Reader
from train.steps.golden_examples import choose


def made(folder: Folder, toml: str, csv: str) -> tuple[model_toml.ModelSpec, Part, pd.DataFrame]:
    """Return a model's spec, its training rows, and the synthetic rows made of them."""
    spec = folder.write(csv, toml)
    training, holdout = split(spec, dataset.load(spec))
    return spec, training, synthetic_rows.make(spec, training, holdout)


def table(rows: int = 200) -> str:
    """Return a CSV of an exact number, a whole one with gaps, a colour and a class of three."""
    random = np.random.default_rng(0)
    lines = [
        f"{kind * 3 + random.random():.12f},{'' if row % 9 == 0 else row % 50},"
        f"{['red', 'green', 'blue'][row % 3]},{'abc'[kind]}"
        for row in range(rows)
        for kind in [int(random.integers(0, 3))]
    ]
    return "\n".join(["size,age,colour,y", *lines, ""])


TOML = default_toml("size,age,colour,y\n").replace('colour = "numeric"', 'colour = "categorical"')


def test_synthetic_rows_stand_in_no_row_and_show_no_exact_number(folder: Folder) -> None:
    """No row is one of the data, and of its numbers only the ends of a range, which are public."""
    spec, training, rows = made(folder, TOML, table())
    data = {json.dumps(row) for row in features(spec.inputs, dataset.load(spec).X)}
    assert len(rows) > 200
    assert not data & {json.dumps(row) for row in features(spec.inputs, rows)}
    ends = {training.X["size"].min(), training.X["size"].max()}
    assert set(rows["size"]) & set(dataset.load(spec).X["size"]) <= ends


def test_synthetic_rows_have_gaps_ends_and_every_category(folder: Folder) -> None:
    """They go to the ends of each range, lack what may be missing, and look like the data."""
    _, training, rows = made(folder, TOML, table())
    ages = training.X["age"]
    assert (rows["age"].min(), rows["age"].max()) == (ages.min(), ages.max())
    assert set(rows["colour"]) == {"red", "green", "blue"}
    assert rows["age"].isna().any()
    assert not rows["size"].isna().any()
    present = rows["age"].dropna()
    assert (present == present.round()).all()


def test_table_with_every_combination_has_examples_all_the_same(folder: Folder) -> None:
    """Where two colours are all there is, there is no row that the table does not have."""
    csv = "colour,y\n" + "".join(f"{'rg'[row % 2]},{'ab'[row % 3 % 2]}\n" for row in range(60))
    toml = default_toml("colour,y\n").replace('"numeric"', '"categorical"')
    _, _, rows = made(folder, toml, csv)
    assert sorted(rows["colour"]) == ["g", "r"]


def test_synthetic_rows_of_a_regression_follow_its_target(folder: Folder) -> None:
    """Rows are made between rows of close targets, so that small and large ones are among them."""
    csv = "a,b,y\n" + "".join(f"{row},{row * 2.5 + 0.123},{row * 7}\n" for row in range(100))
    toml = default_toml("a,b,y\n").replace("classification", "regression")
    _, _, rows = made(folder, toml.replace("accuracy", "r2"), csv)
    typical = rows[:200]
    assert np.corrcoef(typical["a"], typical["b"])[0, 1] > 0.95


def candidate(prediction: str, x: float | None = 1.0) -> Example:
    """Return an example of one input."""
    return Example(features={"x": x}, prediction=prediction)


def described(**changes: object) -> Manifest:
    """Return a manifest of one number between 0 and 2."""
    bundle = manifest("iris")
    bundle.inputs = [Input(name="x", kind="numeric", minimum=0.0, maximum=2.0, **changes)]  # type: ignore[arg-type]
    return bundle


def test_every_class_and_gap_is_chosen_however_late_it_comes() -> None:
    """A rare class is among the examples although the first rows are of another."""
    candidates = [
        *[candidate("a")] * 40,
        candidate("b"),
        candidate("a", None),
        *[candidate("a")] * 9,
    ]
    chosen = choose(candidates, described(missing=True))
    assert len(chosen) == golden_examples.COUNT
    assert candidate("b") in chosen
    assert candidate("a", None) in chosen


def test_what_a_server_refuses_is_no_example() -> None:
    """A row out of the range is left out where the server refuses it."""
    bundle = described()
    bundle.serving = Serving(out_of_range="reject")
    assert choose([candidate("a", 3.0), candidate("a", 2.0)], bundle) == [candidate("a", 2.0)]


def test_model_without_a_golden_example_is_refused() -> None:
    """Where no answer proves anything, there is no bundle, and its author reads why."""
    with pytest.raises(ModelError, match="Got no golden example among 1 answers"):
        choose([candidate("a", None)], described())
    with pytest.raises(ModelError, match="among 0 answers"):
        choose([], described())


@pytest.mark.parametrize(
    ("predictions", "probabilities", "kept"),
    [
        (["no", "yes"], [[0.5, 0.5], [0.1, 0.9]], 1),
        (["no", "yes"], [[np.nan, 0.5], [0.1, 0.9]], 1),
        (["no", "yes"], [[0.5, 0.5], [0.5, 0.5]], 2),
        (["no", "yes"], None, 2),
        ([np.nan, np.nan], None, 0),
    ],
)
def test_answers_that_prove_nothing_are_left_out(
    folder: Folder, predictions: list[Any], probabilities: list[list[float]] | None, kept: int
) -> None:
    """A tie, which another processor may break, counts only if all are ties; no number never."""
    reader = Reader(folder.write("x,y\n1,no\n2,yes\n"), ["no", "yes"])
    labels = np.array(predictions, dtype=object if predictions == ["no", "yes"] else float)
    vectors = None if probabilities is None else np.array(probabilities)
    answered = Answers(labels, vectors)
    assert len(golden_examples.made_up(reader, pd.DataFrame({"x": [1.0, 2.0]}), answered)) == kept
