"""Split the rows of a holdout by the values of one column."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np

from contract.bundle import Input, Value
from contract.evaluation.distribution import rounded
from contract.evaluation.evaluation import Evaluation

FEW = 12  # different numbers in a column that is not cut at its quartiles
MISSING = "missing"
Segments = dict[str, list[int]]


def is_numeric(values: Sequence[Value]) -> bool:
    """Return whether a column holds numbers, and beside them nothing but missing values."""
    present = [value for value in values if value is not None]
    return bool(present) and all(type(value) in (int, float) for value in present)


def categorical(evaluation: Evaluation, inputs: Sequence[Input]) -> list[str]:
    """Return the inputs with a few categories, which are public and no others.

    A category that only the holdout has is not public.
    """
    return [
        field.name
        for field in inputs
        if field.categories is not None
        and len(values := {*evaluation.columns.get(field.name, ())} - {None}) <= FEW
        and values <= set(field.categories)
    ]


def segments(values: Sequence[Value]) -> Segments:
    """Return the positions of the rows of each segment, by its name.

    A column with more than FEW different numbers is cut at its quartiles.
    """
    if is_numeric(values) and len({*values} - {None}) > FEW:
        return quartiles(values)
    result: Segments = {}
    for position, value in enumerate(values):
        result.setdefault(name(value), []).append(position)
    return dict(sorted(result.items()))


def name(value: Value) -> str:
    """Return a value as the name of its segment."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else value or MISSING


def quartiles(values: Sequence[Value]) -> Segments:
    """Return segments between the quartiles, rounded, and one of the rows without a value."""
    numbers = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    exact = np.nanquantile(numbers, [0, 0.25, 0.5, 0.75, 1])
    cuts = np.unique(rounded(exact, numbers[~np.isnan(numbers)]))
    places = np.searchsorted(cuts[1:-1], numbers, side="right")
    result: Segments = {}
    for place, (low, high) in enumerate(itertools.pairwise(cuts.tolist())):
        inside = np.flatnonzero((places == place) & ~np.isnan(numbers))
        if len(inside):
            result[f"{low:g} to {high:g}"] = inside.tolist()
    if np.isnan(numbers).any():
        result[MISSING] = np.flatnonzero(np.isnan(numbers)).tolist()
    return result


def subset(evaluation: Evaluation, rows: Sequence[int]) -> Evaluation:
    """Return the evaluation of some of the rows."""
    return Evaluation(
        rows=[evaluation.rows[row] for row in rows],
        columns=some(evaluation.columns, rows),
        truth=[evaluation.truth[row] for row in rows],
        predictions=[evaluation.predictions[row] for row in rows],
        probabilities=evaluation.probabilities and [evaluation.probabilities[row] for row in rows],
        weights=evaluation.weights and [evaluation.weights[row] for row in rows],
        others=some(evaluation.others, rows),
        metrics=evaluation.metrics,
        own=evaluation.own,
        targets=evaluation.targets,
    )


def some(columns: Mapping[str, list[Value]], rows: Sequence[int]) -> dict[str, list[Value]]:
    """Return some of the rows of columns."""
    return {name: [values[row] for row in rows] for name, values in columns.items()}
