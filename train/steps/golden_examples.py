"""Golden examples and the evaluation: holdout rows with the answers the exported model gave."""

from __future__ import annotations

import pandas as pd

from contract.bundle import Example, Input, Serving, Value
from contract.evaluation.evaluation import Evaluation
from contract.inputs import accepts, domains
from train.data.split import Part
from train.fit.evaluate import Answers
from train.steps.rows import value

COUNT = 16
PER_CLASS = 2
WITH_GAPS = 4


def evaluation(holdout: Part, answers: Answers) -> Evaluation:
    return Evaluation(
        rows=holdout.ids.tolist(),
        features=features(holdout.X),
        truth=holdout.y.tolist(),
        predictions=answers.predictions.tolist(),
        probabilities=None if answers.probabilities is None else answers.probabilities.tolist(),
        others=holdout.others,
    )


def features(X: pd.DataFrame) -> list[dict[str, Value]]:
    """Return rows as JSON holds them: a missing value, of either kind, is null."""
    return [{str(name): value(cell) for name, cell in row.items()} for row in X.to_dict("records")]


def examples(found: Evaluation, inputs: list[Input], serving: Serving) -> list[Example]:
    """Choose holdout rows a server accepts: some of every class, some with gaps, then the first."""
    served = domains(inputs, serving)
    usable = [row for row, cells in enumerate(found.features) if accepts(served, cells)]
    chosen: list[int] = []
    if isinstance(found.predictions[0], str | int):
        for label in dict.fromkeys(found.truth):
            chosen += [row for row in usable if found.truth[row] == label][:PER_CLASS]
    chosen += [row for row in usable if None in found.features[row].values()][:WITH_GAPS]
    count = max(COUNT, len(set(chosen)))
    return [example(found, row) for row in sorted(list(dict.fromkeys(chosen + usable))[:count])]


def example(found: Evaluation, row: int) -> Example:
    return Example(
        features=found.features[row],
        prediction=found.predictions[row],
        probabilities=found.probabilities[row] if found.probabilities else None,
    )
