"""The metrics of several targets: the mean over these, and those of one of them where asked for.

As scikit-learn's `multioutput="uniform_average"` and `average="macro"`. Of labels, targets that are
true or false, precision, recall and F1 are those of true, and the accuracy counts rows that are
right in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Label
from contract.evaluation.evaluation import Evaluation, by_target
from contract.evaluation.metrics import METRICS, metric, parts

Numbers = NDArray[np.float64]
Scores = dict[str, Numbers]
Scorer = Callable[[NDArray[Any]], Scores]
LABEL: list[Label] = [False, True]  # the classes of a label
OF_TRUE = f"({LABEL[1]})"
ASKED_OF_LABELS = [
    f"{name}{OF_TRUE}" if rule.parameter == "class" else name
    for name, rule in METRICS.items()
    if rule.task == "classification" and rule.asked
]


class TargetScores:
    """The metrics of several numbers; `scorer` returns what scores a single one."""

    classes: list[Label] | None = None

    def __init__(
        self,
        evaluation: Evaluation,
        scorer: Callable[[Evaluation, Sequence[Label] | None], Scorer],
    ) -> None:
        self.names = evaluation.metrics
        alone = of_number if self.classes is None else of_label
        self.scorers = {
            target: scorer(alone(evaluation, place), self.classes)
            for place, target in enumerate(evaluation.targets)
        }

    def __call__(self, weights: NDArray[Any]) -> Scores:
        """Return each metric, an array (resamples,), of the resamples (resamples, rows)."""
        own = {target: score(weights) for target, score in self.scorers.items()}
        return averaged(own, self.names)


class LabelTargetScores(TargetScores):
    """The metrics of several labels."""

    classes = LABEL

    def __init__(
        self,
        evaluation: Evaluation,
        scorer: Callable[[Evaluation, Sequence[Label] | None], Scorer],
    ) -> None:
        super().__init__(evaluation, scorer)
        self.truth = np.array(evaluation.truth, dtype=bool)
        self.predictions = np.array(evaluation.predictions, dtype=bool)
        known = evaluation.weights
        self.row_weights = np.ones(len(self.truth)) if known is None else np.array(known)

    def __call__(self, weights: NDArray[Any]) -> Scores:
        """Return each metric, an array (resamples,), of the resamples (resamples, rows)."""
        own = {target: score(weights) for target, score in self.scorers.items()}
        weights = weights * self.row_weights
        both = self.truth & self.predictions
        counts = (weights @ columns for columns in (both, self.truth, self.predictions))
        right = (self.truth == self.predictions).all(axis=1)
        accuracy = weights @ right / weights.sum(axis=1)
        return {**averaged_labels(own, self.names, *counts), "accuracy": accuracy}


def of_number(evaluation: Evaluation, place: int) -> Evaluation:
    """Return the answers to one of several targets, as those of a model that has no other."""
    return Evaluation(
        rows=evaluation.rows,
        columns={},
        truth=list(by_target(evaluation.truth)[place]),
        predictions=list(by_target(evaluation.predictions)[place]),
        probabilities=None,
        weights=evaluation.weights,
        metrics=[
            name if METRICS[key].parameter == "quantile" else key
            for name in evaluation.metrics
            for key in [parts(name)[0]]
            if key in METRICS  # the model's own metrics are of all targets
        ],
    )


def of_label(evaluation: Evaluation, place: int) -> Evaluation:
    """Return the same of a label, with the probabilities of false and of true."""
    alone, odds = of_number(evaluation, place), evaluation.probabilities
    alone.probabilities = odds and [[1 - row[place], row[place]] for row in odds]
    alone.metrics = ASKED_OF_LABELS
    return alone


def averaged(own: Mapping[str, Scores], names: Sequence[str]) -> Scores:
    """Return the mean (resamples,) of each metric over the targets, and those `names` of one.

    `own` has the metrics of each target. A mean does not exist where it does not of some target.
    """
    asked = [(name, *parts(name)) for name in names]
    return {
        **{
            name: np.mean([scores[name] for scores in own.values()], axis=0)
            for name in next(iter(own.values()))
            if not metric(name).asked or name in names
        },
        **{name: own[target][key] for name, key, target in asked if target in own},
    }


def averaged_labels(
    own: Mapping[str, Scores],
    names: Sequence[str],
    hits: Numbers,
    actual: Numbers,
    predicted: Numbers,
) -> Scores:
    """Return the same of labels, whose `accuracy` here is the share of all cells.

    `hits`, `actual` and `predicted` (resamples, labels) count the rows in which each label is both
    true and predicted, is true, and is predicted.
    """
    of_true = {
        target: {name.removesuffix(OF_TRUE): values for name, values in scores.items()}
        | {"f1_macro": scores[f"f1{OF_TRUE}"]}
        for target, scores in own.items()
    }
    means = averaged(of_true, names)
    with np.errstate(divide="ignore", invalid="ignore"):
        micro = 2 * hits.sum(axis=1) / (actual + predicted).sum(axis=1)
    return {**means, "f1_micro": micro, "hamming_loss": 1 - means["accuracy"]}
