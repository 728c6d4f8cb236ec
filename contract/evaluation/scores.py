"""Every metric of a set of answers, for many resamples of its rows at once.

A resample is a row of weights: how often each row of the holdout was drawn, times how much the row
counts. `weights` always has the shape (resamples, rows), and a metric (resamples,). The metrics are
those of scikit-learn, `sample_weight` included, and a test holds the two equal; scikit-learn takes
a second for what takes 20 ms here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from contract.bundle import Label
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.metrics import METRICS, parts
from contract.evaluation.several_targets import LabelTargetScores, TargetScores

Numbers = NDArray[np.float64]
Scores = dict[str, Numbers]
Ranked = Callable[[Numbers, Numbers, Numbers], Numbers]  # of weights, of a class, by scores


class ClassScores:
    """The metrics of a classifier's answers."""

    def __init__(self, evaluation: Evaluation, classes: Sequence[Label]) -> None:
        self.row_weights = row_weights(evaluation)
        truth, predictions = (
            cast("list[Label]", outcomes) for outcomes in (evaluation.truth, evaluation.predictions)
        )
        everything = {*classes, *truth, *predictions}
        labels = [*classes, *sorted(everything.difference(classes), key=str)]
        self.of_labels = LabelScores(labels, evaluation.metrics)
        self.actual = one_hot(truth, labels)
        self.predicted = one_hot(predictions, labels)
        self.known = len(classes)
        self.probabilities = (
            None
            if evaluation.probabilities is None
            else np.array(evaluation.probabilities, dtype=np.float64)
        )

    def __call__(self, weights: NDArray[Any]) -> Scores:
        """Return each metric, an array (resamples,), of the resamples (resamples, rows)."""
        weights = weights * self.row_weights
        hits = weights @ (self.actual * self.predicted)
        counts = hits, weights @ self.actual, weights @ self.predicted
        result = self.of_labels(*counts)
        if self.probabilities is not None:
            is_score = self.probabilities.shape[1] < self.known
            result |= {
                name: metric(weights, self.probabilities)
                for name, metric in self.of_numbers.items()
                if not is_score or METRICS[name].needs == "ranking"
            }
        return result

    @property
    def of_numbers(self) -> dict[str, Callable[[Numbers, Numbers], Numbers]]:
        """The metrics of probabilities (rows, classes) or anomaly scores (rows, 1)."""
        return {
            "roc_auc": partial(self.over_classes, area),
            "log_loss": self.loss,
            "average_precision": partial(self.over_classes, average_precision),
            "brier": self.brier,
        }

    def loss(self, weights: Numbers, probabilities: Numbers) -> Numbers:
        """Return the log loss (resamples,) of probabilities (rows, classes).

        They are clipped as scikit-learn clips them, so that a probability of 0 costs a finite loss.
        """
        tiny = np.finfo(np.float64).eps
        of_truth = (probabilities * self.actual[:, : self.known]).sum(axis=1)
        return weighted_mean(weights, -np.log(of_truth.clip(tiny, 1 - tiny)))

    def brier(self, weights: Numbers, probabilities: Numbers) -> Numbers:
        """Return the Brier score (resamples,) of probabilities (rows, classes), as scikit-learn's.

        The squared distance from the truth (Brier 1950); of two classes half of it.
        """
        truth = self.actual[:, : self.known]
        distances = ((probabilities - truth) ** 2).sum(axis=1) / (2 if self.known == 2 else 1)
        return weighted_mean(weights, distances)

    def over_classes(self, ranked: Ranked, weights: Numbers, probabilities: Numbers) -> Numbers:
        """Return a metric of ranks (resamples,) of probabilities (rows, classes).

        Of two classes it is that of the second, by its probabilities or by anomaly scores (rows,
        1). With more, the mean over each class against the
        rest, as scikit-learn's `roc_auc_score(multi_class="ovr")` and `average_precision_score`;
        Hand and Till (2001) take the mean over pairs instead.
        """
        columns = [(1, -1)] if self.known == 2 else [(c, c) for c in range(self.known)]
        values = [ranked(weights, self.actual[:, a], probabilities[:, b]) for a, b in columns]
        return mean_of_present(np.stack(values, axis=1))


class NumberScores:
    """The metrics of a regressor's answers."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.row_weights = row_weights(evaluation)
        self.truth = np.array(evaluation.truth, dtype=np.float64)
        self.below = self.truth - np.array(evaluation.predictions, dtype=np.float64)
        self.errors, self.wanted = np.abs(self.below), evaluation.metrics

    def __call__(self, weights: NDArray[Any]) -> Scores:
        """Return each metric, an array (resamples,), of the resamples (resamples, rows)."""
        weights = weights * self.row_weights
        spread = self.spread(weights)
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = np.where(spread > 0, 1 - weights @ self.errors**2 / spread, np.nan)
        return {
            "r2": r2,
            "rmse": np.sqrt(weighted_mean(weights, self.errors**2)),
            "mae": weighted_mean(weights, self.errors),
            "median_absolute_error": median(weights, self.errors),
            **{name: weighted_mean(weights, loss) for name, loss in self.losses()},
        }

    def losses(self) -> Iterator[tuple[str, Numbers]]:
        """Yield the losses (rows,) whose means the gate asks for, by the names of these metrics.

        The quantile loss (Koenker and Bassett 1978), and the error relative to the truth.
        """
        for name in self.wanted:
            metric, parameter = parts(name)
            if metric == "pinball":
                quantile = float(parameter)
                yield name, np.where(self.below > 0, quantile, quantile - 1) * self.below
            if metric == "mape":
                yield name, self.errors / np.abs(self.truth).clip(np.finfo(np.float64).eps)

    def spread(self, weights: Numbers) -> Numbers:
        """Return the sum (resamples,) of squared distances from the mean.

        It is 0 where the truth does not vary. In two passes, since the mean of squares minus the
        squared mean cancels where the mean is large (Chan, Golub and LeVeque 1983).
        """
        centred = self.truth - self.truth.mean()
        mean = weighted_mean(weights, centred)
        spread: Numbers = np.einsum("bn,bn->b", weights, (centred - mean[:, None]) ** 2)
        drawn = weights > 0
        first = self.truth[np.argmax(drawn, axis=1)]
        varies = (drawn & (self.truth != first[:, None])).any(axis=1)
        spread[~varies] = 0
        return spread


def scorer(
    evaluation: Evaluation, classes: Sequence[Label] | None
) -> ClassScores | NumberScores | TargetScores:
    """Return what scores resamples of these answers."""
    if evaluation.targets:
        return (TargetScores if classes is None else LabelTargetScores)(evaluation, scorer)
    return NumberScores(evaluation) if classes is None else ClassScores(evaluation, classes)


def score(evaluation: Evaluation, classes: Sequence[Label] | None) -> dict[str, float]:
    """Return each metric of the rows as they are, without resampling."""
    once = np.ones((1, len(evaluation.truth)), dtype=np.int64)
    values = scorer(evaluation, classes)(once) | evaluation.own_scores(classes)
    return {name: float(value[0]) for name, value in values.items()}


def row_weights(evaluation: Evaluation) -> Numbers:
    """Return how much each row counts (rows,): 1, unless the evaluation says otherwise."""
    if evaluation.weights is None:
        return np.ones(len(evaluation.truth))
    return np.array(evaluation.weights, dtype=np.float64)


def weighted_mean(weights: Numbers, values: Numbers) -> Numbers:
    """Return the mean (resamples,) of values (rows,); NaN where no row has a weight.

    `weights` has the shape (resamples, rows).
    """
    with np.errstate(invalid="ignore"):
        mean: Numbers = weights @ values / weights.sum(axis=1)
    return mean


class LabelScores(NamedTuple):
    """The metrics of labels, by counts of each of the `labels`; `names` are those asked for.

    A row counts as much as its weight says.
    """

    labels: Sequence[Label]
    names: Sequence[str]

    def __call__(self, hits: Numbers, actual: Numbers, predicted: Numbers) -> Scores:
        """Return each metric, an array (resamples,).

        `hits`, `actual` and `predicted` (resamples, classes) count the rows of each class that are
        right, that are true, and that are predicted.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = {
                "precision": hits / predicted,
                "recall": hits / actual,
                "f1": 2 * hits / (actual + predicted),
            }
            accuracy = hits.sum(axis=1) / actual.sum(axis=1)
        of_all = {"f1_micro": accuracy, "hamming_loss": 1 - accuracy}
        places = {str(label): place for place, label in enumerate(self.labels)}
        asked = [(name, *parts(name)) for name in self.names]
        return {
            "accuracy": accuracy,
            "balanced_accuracy": mean_of_present(ratios["recall"]),
            "f1_macro": mean_of_present(ratios["f1"]),
            "mcc": matthews(hits.sum(axis=1), actual, predicted),
            **{name: of_all[name] for name in self.names if name in of_all},
            **{
                name: ratios[metric][:, places[label]]
                for name, metric, label in asked
                if metric in ratios and label in places
            },
        }


def matthews(hits: Numbers, actual: Numbers, predicted: Numbers) -> Numbers:
    """Return Matthews' correlation (resamples,), 0 where truth or predictions do not vary.

    For any number of classes (Gorodkin 2004), from the right rows (resamples,) and the counts by
    class (resamples, classes).
    """
    rows = actual.sum(axis=1)
    covariance = hits * rows - (actual * predicted).sum(axis=1)
    # Of a single class it is exactly 0, however the sums of weights are rounded.
    spreads = [
        (counts * (counts.sum(axis=1, keepdims=True) - counts)).sum(axis=1)
        for counts in (actual, predicted)
    ]
    product = np.sqrt(spreads[0] * spreads[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(product > 0, covariance / product, 0)


def one_hot(values: Sequence[Label], labels: Sequence[Label]) -> Numbers:
    """Return an array (rows, labels) that is 1 where a row has the label."""
    places = {label: place for place, label in enumerate(labels)}
    return np.eye(len(labels))[[places[value] for value in values]]


def mean_of_present(values: Numbers) -> Numbers:
    """Return the mean (resamples,) over the classes of values (resamples, classes), without NaN.

    A class that a resample does not have is NaN there.
    """
    present = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        mean: Numbers = np.where(present, values, 0).sum(axis=1) / present.sum(axis=1)
    return mean


def area(weights: Numbers, positive: Numbers, scores: Numbers) -> Numbers:
    """Return the area under the ROC curve (resamples,): how often a positive row scores higher.

    Of a pair of rows, one `positive` (rows,) and one not; equal `scores` (rows,) count half (Hanley
    and McNeil 1982).
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.nan))
    positives = np.add.reduceat((weights * positive)[:, order], starts, axis=1)
    negatives = np.add.reduceat((weights * (1 - positive))[:, order], starts, axis=1)
    below = np.cumsum(negatives, axis=1) - negatives / 2
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(pairs > 0, (positives * below).sum(axis=1) / pairs, np.nan)


def average_precision(weights: Numbers, positive: Numbers, scores: Numbers) -> Numbers:
    """Return the average precision (resamples,): the precision at each new recall, weighted by it.

    As scikit-learn has it, without interpolation; rows of equal `scores` (rows,) count together.
    `positive` (rows,) is 1 for a row of the class.
    """
    order = np.argsort(-scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=np.nan))
    positives = np.add.reduceat((weights * positive)[:, order], starts, axis=1)
    rows = np.cumsum(np.add.reduceat(weights[:, order], starts, axis=1), axis=1)
    total = positives.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(rows > 0, np.cumsum(positives, axis=1) / rows, 0)
        return np.where(total > 0, (positives * precision).sum(axis=1) / total, np.nan)


def median(weights: Numbers, values: Numbers) -> Numbers:
    """Return the median (resamples,) of values (rows,); NaN where no row has a weight.

    Halfway between the first values at which the sum of the weights reaches, and exceeds, one half
    of all: as scikit-learn has it, the averaged inverse of the distribution (Hyndman and Fan 1996,
    definition 2). `weights` has the shape (resamples, rows).
    """
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[:, order], axis=1)
    total = reached[:, -1:]
    lower = np.argmax(reached >= total / 2, axis=1)
    upper = np.argmax(reached > total / 2, axis=1)
    ordered: Numbers = values[order]
    return np.where(total[:, 0] > 0, (ordered[lower] + ordered[upper]) / 2, np.nan)
