"""Score the new model on all or some of its rows, and compare it on the eligible ones."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from contract.bundle import Label, Where
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.scores import score as score_rows
from contract.evaluation.segments import subset
from contract.spec.tables import ROWS
from judge.comparison.compared_answers import ComparedAnswers
from judge.comparison.paired import Interval, compare
from judge.comparison.seed_variance import Seeds
from judge.report import Score


@dataclass(frozen=True)
class Scorer:
    """Both models' answers, and the confidence of each difference."""

    fresh: Evaluation
    before: ComparedAnswers | None
    classes: Sequence[Label] | None
    confidence: float
    seeds: Seeds

    def __call__(
        self,
        rows: Sequence[int],
        where: Where | None = None,
        wanted: Collection[str] | None = None,
    ) -> list[Score]:
        """Return the metrics that exist on some rows, all or those of a segment.

        `wanted` are their names; None for every one.
        """

        def averaged(metric: str, difference: float) -> Interval | None:
            return self.seeds.averaged(metric, where, difference)

        both = self.shared(rows)
        mine = subset(self.fresh, rows)
        if wanted is not None:  # the model's own metrics take their time
            for answers in (mine, *(both or ())):
                answers.metrics = [name for name in answers.metrics if name in wanted]
        if both is None:
            scores = compare(mine, None, self.classes)
        else:
            scores = compare(*both, self.classes, self.confidence, averaged)
            if len(both[0].truth) < len(rows) or not all(map(is_measurable, scores)):
                scores = self.on_every_row(mine, scores)
            if self.before and not self.before.chosen.conclusive:
                for score in scores:
                    score.direction = "unknown"
        existing = [score for score in scores if is_measurable(score)]
        return [score for score in existing if wanted is None or score.metric in wanted]

    def on_every_row(self, mine: Evaluation, compared: list[Score]) -> list[Score]:
        """Return the comparisons that exist, each with the new model's value on all of its rows."""
        alone = compare(mine, None, self.classes)
        whole = score_rows(mine, self.classes)
        by_name = {score.metric: score for score in compared if is_measurable(score)}
        scores = [by_name.get(score.metric, score) for score in alone]
        for score in scores:
            score.whole = whole[score.metric]
        return scores

    def shared(self, rows: Sequence[int]) -> tuple[Evaluation, Evaluation] | None:
        """Return both models' answers to the eligible ones of the rows, None if too few."""
        if self.before is None:
            return None
        wanted = set(rows)
        places = [at for at, row in enumerate(self.before.chosen.rows) if row in wanted]
        if len(places) < min(len(rows), ROWS):
            return None  # on so few rows one answer would decide
        return subset(self.before.new, places), subset(self.before.old, places)


def is_measurable(score: Score) -> bool:
    """Return whether the metric exists for both models."""
    return not math.isnan(score.new) and not math.isnan(score.old or 0)
