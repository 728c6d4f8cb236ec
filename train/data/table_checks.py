"""What is wrong or odd with a table before anything is fitted to it, each with its cure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from contract.errors import ModelError
from contract.inputs import accepts, domains
from contract.spec.model_toml import ModelSpec
from train.data import dataset
from train.data.dataset import Dataset
from train.data.split import Part

LISTED = 5  # names in one message
CELLS = 200_000  # of held-out rows that are compared with what the model will accept
MOST_CATEGORIES = 200  # of a column; with more, one-hot columns are many and each has few rows
JOINED = ";|,"  # what people put between several labels in one cell


def before_split(spec: ModelSpec, data: Dataset) -> list[str]:
    """Return warnings about all rows; raise ModelError where none of them has a target."""
    if not data.rows:
        where = f"{spec.data.source}: column {' and '.join(map(repr, spec.targets))}"
        got = f"no value in any of {data.dropped} rows"
        cure = f'Check target in {spec.file}, and data.missing, the words for "no value".'
        raise ModelError(where, "filled in, as it is the target", got, cure)
    return joined_labels(spec, data)


def joined_labels(spec: ModelSpec, data: Dataset) -> list[str]:
    """Return a warning where cells of the target seem to hold several labels, such as `x;z`.

    They do if each of their parts is a label by itself, or part of another cell.
    """
    labels = set(data.y) if data.y.dtype == object else set()  # numbers are many, and no texts
    for sign in JOINED:
        cells = {label: {part.strip() for part in label.split(sign)} for label in labels}
        known = Counter(part for parts in cells.values() for part in parts)
        joined = [
            label
            for label, parts in cells.items()
            if len(parts) > 1 and all(known[part] > 1 for part in parts)
        ]
        if joined:
            concern = (
                f"column {spec.target!r} joins labels by {sign!r}, such as {min(joined)!r}: each "
                "such cell counts as a class of its own, as a row has one label. For several, "
                "make a column for each label that says whether the row has it, and name all of "
                "them in target."
            )
            return [concern]
    return []


def after_split(spec: ModelSpec, training: Part, holdout: Part) -> list[str]:
    """Return warnings about the inputs.

    Raises ModelError for an input without any value to train on, and for a model that would refuse
    every held-out row.
    """
    empty = [name for name in spec.inputs if dataset.is_missing(training.X[name].to_numpy()).all()]
    if empty:
        expected = "filled in for some training rows"
        cure = f"Remove it from [inputs] in {spec.file}, or mend the data."
        raise ModelError(f"{spec.file}: inputs {listing(empty)}", expected, "no value", cure)
    concerns = []
    if constant := [name for name in spec.inputs if is_constant(training.X[name])]:
        concerns.append(
            f"{listing(constant)} never changes in the training rows: remove it from [inputs], as "
            "nothing can be learned from it."
        )
    return concerns + wide(spec, training) + refused(spec, training, holdout)


def wide(spec: ModelSpec, training: Part) -> list[str]:
    """Return a warning for each input with more categories than MOST_CATEGORIES."""
    counts = {name: len({*training.X[name]} - {""}) for name in spec.columns("categorical")}
    return [
        f"{name!r} has {count} categories, all of which are listed in the image, and any other is "
        f'refused unless unknown_category = "ignore". If people write them freely, declare it as '
        '"text", which lists none; else encode it by sklearn.preprocessing.TargetEncoder, which '
        "makes one number of it, rather than by a column for each."
        for name, count in counts.items()
        if count > MOST_CATEGORIES
    ]


def is_constant(values: pd.Series) -> bool:
    """Return whether all values (rows,) are the same."""
    return bool(values.eq(values.iloc[0]).all())


def refused(spec: ModelSpec, training: Part, holdout: Part) -> list[str]:
    """Return a warning if the model will refuse held-out rows; raise ModelError if it does all.

    As many rows are looked at as have CELLS cells. Without one that is accepted there would be no
    golden example, and the gate would judge answers that nobody can get.
    """
    served = domains(dataset.schema(spec, training.X), spec.serving)
    rows = dataset.features(spec.inputs, holdout.X.iloc[: max(1, CELLS // len(served))])
    count = sum(not accepts(served, row) for row in rows)
    if not count:
        return []
    by_input = {
        name: sum(not domain.accepts(row[name]) for row in rows) for name, domain in served.items()
    }
    worst = sorted((name for name in by_input if by_input[name]), key=lambda name: -by_input[name])
    why = f"what no training row has in {listing(worst)}"
    cure = (
        'Accept it (unknown_category = "ignore", out_of_range = "accept" under [serve] or for the '
        f"column in {spec.file}), or train on rows that have it."
    )
    if count == len(rows):
        where = f"{spec.data.source}: held-out rows"
        got = f"{count} rows that it refuses, for {why},"
        raise ModelError(where, "rows that the served model takes", got, cure)
    return [f"{count} of {len(rows)} held-out rows would be refused, for {why}. {cure}"]


def listing(names: Sequence[str]) -> str:
    """Return the first LISTED names, and how many more there are."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(map(repr, names[:LISTED])) + more
