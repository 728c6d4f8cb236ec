"""The model.toml and README.md of a new model, as text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

from contract.bundle.dialect import MISSING
from train.new_model.column_types import Column
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
        *(f"{key(column.name)} = {kind(column)}" for column in draft.columns if column.kind),
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


def kind(column: Column) -> str:
    """Return what model.toml says of an input: its kind, and what is special to it."""
    if column.is_wide:  # with so many, the next rows have one that these lack
        return f'{{ kind = "{column.kind}", unknown_category = "ignore" }}'
    if column.kind == "boolean" and (column.true, column.false) != ("true", "false"):
        return f'{{ kind = "boolean", true = {text(column.true)}, false = {text(column.false)} }}'
    return f'"{column.kind}"'


def key(name: str) -> str:
    """Return a TOML key, in quotes where it needs them."""
    return name if BARE_KEY.fullmatch(name) else text(name)


def text(value: object) -> str:
    """Return a TOML string or list, which JSON writes in the same way."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def one_line(value: str) -> str:
    """Return a text on one line."""
    return " ".join(CONTROLS.sub(" ", value).split())


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
