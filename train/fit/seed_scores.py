"""How the metrics vary when only the estimator's random seed changes.

Resampling holdout rows cannot show this: two forests with different seeds differ by more than the
chance of the rows, and neither is worse.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from contract.bundle import Label, SeedScores, Where
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.scores import score
from contract.evaluation.segments import segments, subset
from contract.spec.model_toml import ModelSpec
from train.fit.evaluate import Answers, answered, existing

Key = tuple[str, Where | None]  # a metric, and of which rows


def seed_scores(
    spec: ModelSpec,
    evaluation: Evaluation,
    others: Sequence[Answers],
    classes: Sequence[Label] | None,
) -> list[SeedScores]:
    """Return each metric of the fit itself, then of fits with other seeds; also in gated segments.

    `others` are the answers of those. Empty where there are none, as where no seed plays a part.
    """
    if not others:
        return []
    fits = [evaluation, *(answered(evaluation, answers) for answers in others)]
    scored = [scores(spec, fit, classes) for fit in fits]
    by_key = {key: [fit[key] for fit in scored] for key in scored[0]}
    return [
        SeedScores(metric=metric, where=where, scores=values)
        for (metric, where), values in existing(by_key).items()
    ]


def scores(
    spec: ModelSpec, answers: Evaluation, classes: Sequence[Label] | None
) -> dict[Key, float]:
    """Return every metric, of all rows and of the gated segments."""
    everywhere: dict[Key, float] = {
        (metric, None): value for metric, value in score(answers, classes).items()
    }
    return {**everywhere, **in_segments(spec, answers, classes)}


def in_segments(
    spec: ModelSpec, answers: Evaluation, classes: Sequence[Label] | None
) -> dict[Key, float]:
    """Return the metrics that may not drop and exist, in each segment with enough rows."""
    bare = replace(answers, columns={}, others={})
    return {
        (metric, Where(rules.column, value)): scored[metric]
        for rules in spec.gate.segments
        for value, rows in segments(answers.column(rules.column)).items()
        if len(rows) >= rules.rows
        for scored in [score(subset(bare, rows), classes)]
        for metric in rules.rules.drops
        if metric in scored
    }
