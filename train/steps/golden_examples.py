"""Golden examples and the evaluation: holdout rows with the answers of the exported model."""

from __future__ import annotations

from contract.bundle import Example, Input, Serving
from contract.evaluation.evaluation import Evaluation
from contract.inputs import accepts, domains

COUNT = 16
PER_CLASS = 2
WITH_GAPS = 4


def examples(evaluation: Evaluation, inputs: list[Input], serving: Serving) -> list[Example]:
    """Choose holdout rows a server accepts: some of every class, some with gaps, then the first."""
    served = domains(inputs, serving)
    usable = [row for row, cells in enumerate(evaluation.features) if accepts(served, cells)]
    chosen: list[int] = []
    if isinstance(evaluation.predictions[0], str | int):
        for label in dict.fromkeys(evaluation.truth):
            chosen += [row for row in usable if evaluation.truth[row] == label][:PER_CLASS]
    chosen += [row for row in usable if None in evaluation.features[row].values()][:WITH_GAPS]
    count = max(COUNT, len(set(chosen)))
    return [
        example(evaluation, row) for row in sorted(list(dict.fromkeys(chosen + usable))[:count])
    ]


def example(evaluation: Evaluation, row: int) -> Example:
    """Return a row of the evaluation as a golden example."""
    return Example(
        features=evaluation.features[row],
        prediction=evaluation.predictions[row],
        probabilities=evaluation.probabilities[row] if evaluation.probabilities else None,
    )
