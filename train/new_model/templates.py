"""The files of a new model's folder, as text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from contract.bundle.dialect import MISSING
from train.new_model.table_profile import Draft

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")  # which TOML's comments must not hold


METHODS = {
    "hash": 'by the row alone; or "group" (column), "time" (column, cut), "given" (column)',
    "random": "the same share of every class, as there are few rows",
}


class EvaluationPlan(NamedTuple):
    """How the model is judged; `gate` is the line below [gate]."""

    method: str
    test_size: float
    folds: int
    gate: str


def model_toml(draft: Draft, plan: EvaluationPlan) -> str:
    """Return the content of model.toml."""
    markers = sorted({marker for column in draft.columns for marker in column.markers})
    lines = [
        f"description = {text(f'{one_line(draft.target)} from the columns of {draft.file}')}",
        f'task = "{draft.task}"',
        f"target = {text(draft.target)}",
        "",
        "[data]",
        f"source = {text(draft.file)}",
        f'sha256 = "{draft.sha256}"',
        *([f"missing = {text([*MISSING[1:], *markers])}"] if markers else []),
        '# licence = "…"  of the data: an SPDX identifier, or a few words for the model card',
        "",
        "[inputs]",
        *(f'{key(column.name)} = "{column.kind}"' for column in draft.columns if column.kind),
        *(f"# left out: {one_line(left_out)}" for left_out in draft.left_out),
        "",
        "[split]",
        f'method = "{plan.method}"  # {METHODS[plan.method]}',
        f"test_size = {plan.test_size:g}",
        "",
        "[evaluate]",
        f"folds = {plan.folds}",
        "",
        "[gate]",
        plan.gate,
    ]
    return "\n".join(lines) + "\n"


def key(name: str) -> str:
    """Return a TOML key, in quotes where it needs them."""
    return name if BARE_KEY.fullmatch(name) else text(name)


def text(value: object) -> str:
    """Return a TOML string or list, which JSON writes in the same way."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def one_line(value: str) -> str:
    """Return a text on one line."""
    return " ".join(CONTROLS.sub(" ", value).split())


KNOBS = """\
TREES = 100  # more cost time and size; fewer make the answers coarse
LEAVES = 256  # per tree: keeps the model small however many rows there are
SEED = 0  # any fixed number: the same data must give the same forest
"""

PLAIN = '''\
"""A random forest; a missing number goes the way that split the training rows best."""

from sklearn.ensemble import {forest}

{knobs}

def build() -> {forest}:
    return {forest}(n_estimators=TREES, max_leaf_nodes=LEAVES, random_state=SEED)
'''

ENCODED = '''\
"""A random forest behind an encoder of texts; a missing text is a category of its own."""

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import {forest}
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

{texts}{knobs}

def build() -> Pipeline:
    encoder = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("texts", encoder, TEXTS)], remainder="passthrough")
    forest = {forest}(n_estimators=TREES, max_leaf_nodes=LEAVES, random_state=SEED)
    return Pipeline([("columns", columns), ("forest", forest)])
'''


def estimator_py(draft: Draft) -> str:
    """Return the content of estimator.py: a random forest, with an encoder if there are texts."""
    kind = "Classifier" if draft.task == "classification" else "Regressor"
    names = draft.of_kind("categorical")
    listed = "".join(f"    {text(name)},\n" for name in names)
    template = ENCODED if names else PLAIN
    return template.format(
        forest=f"RandomForest{kind}", knobs=KNOBS, texts=f"TEXTS = [\n{listed}]\n"
    )


def readme_md(draft: Draft) -> str:
    """Return notes with what the data says; they name what nobody has described yet."""
    return (
        f"# {draft.name}\n\n"
        f"Predicts {code(draft.target)} from {listing(draft.inputs)}.\n\n"
        "## Data\n\n"
        f"{draft.rows} rows of `{draft.file}`. Its origin and licence are not described yet.\n\n"
        "## Intended use\n\nNot described yet.\n\n"
        "## Limits\n\n"
        "Not examined yet. The estimator and the gate are the defaults of `make new-model`.\n"
    )


def listing(names: Sequence[str]) -> str:
    """Return names as inline code, with commas."""
    return ", ".join(map(code, names))


def code(name: str) -> str:
    """Return a name as Markdown's inline code, whose fence is longer than any in it."""
    line = one_line(name)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    return f"{fence}{line}{fence}" if len(fence) == 1 else f"{fence} {line} {fence}"
