"""The figures of the report: the new model's answers, beside those of the published one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from contract.bundle import Label
from contract.evaluation.distribution import Distribution
from contract.evaluation.evaluation import Evaluation, Study, by_target
from contract.evaluation.metrics import METRICS, parts
from contract.evaluation.several_targets import of_label
from judge.comparison.data_drift import InputDistributions
from judge.render import curves, holdout_plots
from judge.render.plots import Line, Points, Span, lines, shares, spans, unit_lines
from judge.render.svg import Plot
from judge.report import Report

BINS = 12
CATEGORIES = 10
DASHED = "Dashed: the published model."
ANSWERED = [("right", "right"), ("wrong", "wrong")]


class Figure(NamedTuple):
    """A plot with its title, its legend (style class and name of each colour), and its caption."""

    plot: Plot
    caption: str = ""
    title: str = ""
    legend: Sequence[tuple[str, str]] = ()


def differences(report: Report) -> list[Figure]:
    """Return the gain in each metric with its interval; right of zero is better."""
    drawn = []
    for score in report.scores:
        known = METRICS.get(parts(score.metric)[0])
        if known is None or known.highest > 1:
            continue  # a loss has no upper bound, and would leave no room for the shares
        if score.difference is not None and score.low is not None and score.high is not None:
            sign = 1 if score.higher_is_better else -1
            low, high = sorted((sign * score.low, sign * score.high))
            colour = {"better": 2, "worse": 1}.get(score.direction or "", 0)
            drawn.append(Span(score.metric, sign * score.difference, low, high, colour))
    if not drawn or report.task == "regression":  # errors have units that share no axis
        return []
    caption = f"Gain over the published model; {report.confidence:.1%} intervals of the same rows."
    return [Figure(spans(drawn, "better →"), caption)]


def answers(
    new: Evaluation, old: Evaluation | None, classes: Sequence[Label] | None
) -> list[Figure]:
    """Return figures of the models' answers."""
    if classes is None:
        return numbers(new, old)
    if new.targets:
        return labels(new, old)
    result = [Figure(matrix(new, classes), "New model: true class by row, predicted by column.")]
    if old:
        result.append(Figure(matrix(old, classes), "Published model, on the same rows."))
    if new.probabilities:
        is_score = len(new.probabilities[0]) < len(classes)
        rates = ("false positive rate", "true positive rate")
        result += [
            anomalousness(new) if is_score else sureness(new, len(classes)),
            by_class(new, old, classes, curves.roc, rates, diagonal=True),
            by_class(new, old, classes, curves.precision_recall, ("recall", "precision")),
            *([] if is_score else [reliability(new, old)]),
        ]
    return result


def matrix(evaluation: Evaluation, classes: Sequence[Label]) -> Plot:
    """Return the confusion matrix of a model."""
    (truth,), (predictions,) = map(by_target, (evaluation.truth, evaluation.predictions))
    seen = {*truth, *predictions}
    labels = [*classes, *sorted(seen.difference(classes), key=str)]
    return holdout_plots.confusion(truth, predictions, labels)


def sureness(new: Evaluation, classes: int) -> Figure:
    """Return a histogram of the probabilities of right and of wrong answers."""
    plot = by_answer(new, "probability of the predicted class", 1 / classes, 1.0)
    return Figure(plot, "How sure the new model was.", legend=ANSWERED)


def anomalousness(new: Evaluation) -> Figure:
    """Return a histogram of the anomaly scores of right and of wrong answers."""
    scores = np.array(new.probabilities, dtype=np.float64)
    plot = by_answer(new, "anomaly score", float(scores.min()), float(scores.max()))
    return Figure(plot, "Above 0, the new model says that a row is an anomaly.", legend=ANSWERED)


def by_answer(new: Evaluation, title: str, low: float, high: float) -> Plot:
    """Return a histogram of the greatest number beside right and wrong answers."""
    groups: dict[str, list[float]] = {"right": [], "wrong": []}
    answered = zip(new.truth, new.predictions, new.probabilities or (), strict=True)
    for truth, prediction, numbers in answered:
        groups["right" if truth == prediction else "wrong"].append(max(numbers))
    return holdout_plots.histogram(groups, title, low, high)


def by_class(  # noqa: PLR0913 - two models and what is drawn of both
    new: Evaluation,
    old: Evaluation | None,
    classes: Sequence[Label],
    curve: Callable[..., Points],
    titles: tuple[str, str],
    *,
    diagonal: bool = False,
) -> Figure:
    """Return a curve for each class; of two classes, only the second's."""
    places = [1] if len(classes) == 2 else range(min(len(classes), 6))
    drawn = [
        Line(curve(*curves.of_class(evaluation, classes, place)), place, is_old)
        for evaluation, is_old in ((new, False), (old, True))
        if evaluation and evaluation.probabilities
        for place in places
    ]
    legend = [(f"series{place}", str(classes[place])) for place in places]
    plot = unit_lines(drawn, *titles, diagonal=diagonal)
    return Figure(plot, DASHED if old else "", legend=legend)


def reliability(new: Evaluation, old: Evaluation | None) -> Figure:
    """Return the calibration curves of both models."""
    drawn = [Line(curves.calibration(new), 0)]
    if old and old.probabilities:
        drawn.append(Line(curves.calibration(old), 0, old=True))
    caption = "Calibration: on the line, the model is right as often as it is sure."
    titles = ("probability of the answer", "share that was right")
    plot = unit_lines(drawn, *titles, diagonal=True)
    return Figure(plot, f"{caption} {DASHED}" if old else caption)


def numbers(new: Evaluation, old: Evaluation | None) -> list[Figure]:
    """Return figures of a regressor's answers and errors, of each target."""
    names = new.targets or [""]
    result = []
    for evaluation, whose in ((new, "New model"), (old, "Published model")):
        if evaluation:
            both = (by_target(evaluation.truth), by_target(evaluation.predictions))
            for name, truth, guesses in zip(names, *both, strict=True):
                title = f"{whose}, {name}" if name else whose
                result += of_numbers(title, list(map(float, truth)), list(map(float, guesses)))
    return result


def of_numbers(whose: str, truth: list[float], guesses: list[float]) -> list[Figure]:
    """Return the figures of the answers of one model to one target."""
    errors = [guess - actual for actual, guess in zip(truth, guesses, strict=True)]
    bound = max(map(abs, errors)) or 1.0
    title = "predicted minus true"
    return [
        Figure(holdout_plots.density(truth, guesses), f"{whose}: a perfect one is on the line."),
        Figure(
            holdout_plots.histogram({"right": errors}, title, -bound, bound), f"{whose}: errors."
        ),
    ]


def labels(new: Evaluation, old: Evaluation | None) -> list[Figure]:
    """Return the figures of each of several labels, as those of a model of that label alone."""
    result = []
    for place, name in enumerate(new.targets):
        mine, theirs = (both and label_alone(both, place) for both in (new, old))
        if mine:
            alone = answers(mine, theirs, ["false", "true"])
            result += [figure._replace(title=name) for figure in alone]
    return result


def label_alone(evaluation: Evaluation, place: int) -> Evaluation:
    """Return the answers to one of several labels, as words."""
    alone = of_label(evaluation, place)
    alone.truth = [str(value).lower() for value in alone.truth]
    alone.predictions = [str(value).lower() for value in alone.predictions]
    return alone


def learned(study: Study | None) -> list[Figure]:
    """Return the importance of the inputs, and the learning curve."""
    if study is None:
        return []
    bars = [
        Span(loss.feature, loss.mean, loss.mean - loss.std, loss.mean + loss.std)
        for loss in study.importance[:15]
    ]
    caption = f"How much worse {study.metric} is with the values of one input shuffled."
    result = [Figure(spans(bars, f"{study.metric}, worse by"), caption)]
    if len(study.learning) > 1:
        points = [(float(point.rows), point.score) for point in study.learning]
        plot = lines([Line(points, 0)], "training rows", study.metric)
        result.append(Figure(plot, "Would more rows help? They would if it still rises."))
    return result


def distributions(inputs: Sequence[InputDistributions]) -> list[Figure]:
    """Return the distribution of each input, for both models."""
    return [distribution(*both) for both in inputs]


def distribution(feature: str, now: Distribution, then: Distribution | None) -> Figure:
    """Return the distribution of one input."""
    if now.edges is not None:
        both = [*now.edges, *(then.edges if then and then.edges else [])]
        edges = np.linspace(min(both), max(both) if max(both) > min(both) else min(both) + 1, BINS)
        labels = ["below", *(f"{edge:.3g}" if not place % 3 else "" for place, edge in
                             enumerate(edges))]  # fmt: skip
        heights = [in_bins(side, edges) for side in (now, then) if side]
    else:
        common = Counter(dict(zip(now.categories or [], now.counts, strict=False)))
        labels = [label for label, _ in common.most_common(CATEGORIES)]
        heights = [named(side, labels) for side in (now, then) if side]
    legend = [("series0", "new"), *([("series1", "published model")] if then else [])]
    plot = shares(heights[0], heights[1] if then else None, labels)
    return Figure(plot, title=feature, legend=legend)


def in_bins(counted: Distribution, edges: np.ndarray) -> list[float]:
    """Return the share of the values below the first of the edges (edges,), and above each.

    Within a bin that was counted, values are taken to lie evenly.
    """
    below = np.cumsum(counted.counts)[:-1]
    reached = np.interp(edges, counted.edges or [], below)
    heights = np.diff([0.0, *reached, sum(counted.counts)])
    return [float(height) / max(1, counted.rows) for height in heights]


def named(counted: Distribution, labels: Sequence[str]) -> list[float]:
    """Return the share of the values that have each of the labels."""
    counts = dict(zip(counted.categories or [], counted.counts, strict=False))
    return [counts.get(label, 0) / max(1, counted.rows) for label in labels]
