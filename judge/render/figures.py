"""The pictures of the report: how the new model answers, beside the published one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from html import escape

import numpy as np

from contract import svg
from contract.bundle import Label, Value
from contract.evaluation.evaluation import Evaluation, Study
from contract.evaluation.metrics import METRICS
from contract.evaluation.segments import name
from contract.html_page import figure
from judge.render import curves
from judge.render.plots import Line, Points, Span, lines, shares, spans
from judge.report import Report

BINS = 12
CATEGORIES = 10
DASHED = " Dashed: the published model."


def differences(report: Report) -> list[str]:
    """Draw what each metric gained, so that right of zero is better, with its interval."""
    drawn = []
    for score in report.scores:
        if METRICS[score.metric].highest > 1:
            continue  # a loss has no end, and would leave the shares no room
        if score.difference is not None and score.low is not None and score.high is not None:
            sign = 1 if score.higher_is_better else -1
            low, high = sorted((sign * score.low, sign * score.high))
            colour = {"better": 2, "worse": 1}.get(score.direction or "", 0)
            drawn.append(Span(score.metric, sign * score.difference, low, high, colour))
    if not drawn or report.task == "regression":  # errors have units that share no axis
        return []
    caption = f"Gain over the published model; {report.confidence:.1%} intervals of the same rows."
    return [figure(spans(drawn, "better →"), caption)]


def answers(new: Evaluation, old: Evaluation | None, classes: Sequence[Label] | None) -> list[str]:
    """Draw what the models answered."""
    if classes is None:
        return numbers(new, old)
    result = [figure(matrix(new, classes), "New model: true class by row, predicted by column.")]
    if old:
        result.append(figure(matrix(old, classes), "Published model, on the same rows."))
    if new.probabilities:
        result += [
            by_class(new, old, classes, curves.roc, ("false positive rate", "true positive rate")),
            by_class(new, old, classes, curves.precision_recall, ("recall", "precision")),
            reliability(new, old),
        ]
    return result


def matrix(found: Evaluation, classes: Sequence[Label]) -> str:
    seen = {*found.truth, *found.predictions}
    labels = [*classes, *sorted(seen.difference(classes), key=str)]
    return svg.confusion(found.truth, found.predictions, labels)


def by_class(
    new: Evaluation,
    old: Evaluation | None,
    classes: Sequence[Label],
    curve: Callable[..., Points],
    titles: tuple[str, str],
) -> str:
    """Draw a curve for each class; of two classes the second tells it all."""
    places = [1] if len(classes) == 2 else range(min(len(classes), 6))
    drawn = []
    for found, is_old in ((new, False), (old, True)):
        if found and found.probabilities:
            drawn += [
                Line(curve(*curves.of_class(found, classes, place)), place, is_old)
                for place in places
            ]
    legend = ", ".join(
        f'<i class="series{place}"></i> {escape(str(classes[place]))}' for place in places
    )
    return figure(lines(drawn, *titles, unit=True), legend + "." + (DASHED if old else ""))


def reliability(new: Evaluation, old: Evaluation | None) -> str:
    drawn = [Line(curves.calibration(new), 0)]
    if old and old.probabilities:
        drawn.append(Line(curves.calibration(old), 0, old=True))
    caption = "Calibration: on the line, the model is right as often as it is sure."
    image = lines(drawn, "probability of the answer", "share that was right", unit=True)
    return figure(image, caption + (DASHED if old else ""))


def numbers(new: Evaluation, old: Evaluation | None) -> list[str]:
    truth = [float(value) for value in new.truth]
    result = []
    for found, whose in ((new, "New model"), (old, "Published model")):
        if found:
            guesses = [float(value) for value in found.predictions]
            errors = [guess - actual for actual, guess in zip(truth, guesses, strict=True)]
            bound = max(map(abs, errors)) or 1.0
            drawn = svg.histogram({"right": errors}, "predicted minus true", -bound, bound)
            result.append(
                figure(svg.scatter(truth, guesses), f"{whose}: a perfect one is on the line.")
            )
            result.append(figure(drawn, f"{whose}: errors."))
    return result


def study(found: Study | None) -> list[str]:
    """Draw what the trainer learned from the estimator itself."""
    if found is None:
        return []
    bars = [
        Span(each.feature, each.mean, each.mean - each.std, each.mean + each.std)
        for each in found.importance[:15]
    ]
    caption = f"{found.metric} lost when the values of one input are shuffled among the rows."
    result = [figure(spans(bars, f"loss of {found.metric}"), caption)]
    if len(found.learning) > 1:
        points = [(float(each.rows), each.score) for each in found.learning]
        image = lines([Line(points, 0)], "training rows", found.metric)
        result.append(figure(image, "Would more rows help? They would if it still rises."))
    return result


def distributions(new: Evaluation, old: Evaluation | None) -> list[str]:
    """Draw how each input is distributed, and how it was for the published model."""
    return [
        distribution(
            feature,
            new.column(feature),
            old.column(feature) if old and feature in old.features[0] else None,
        )
        for feature in new.features[0]
    ]


def distribution(feature: str, now: Sequence[Value], then: Sequence[Value] | None) -> str:
    everything = [value for value in (*now, *(then or [])) if value is not None]
    if everything and all(isinstance(value, int | float) for value in everything):
        low, high = min(map(float, everything)), max(map(float, everything))
        edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
        labels = [f"{edge:.3g}" if not place % 3 else "" for place, edge in enumerate(edges[:-1])]
        found = [in_bins(values, edges) for values in (now, then or [])]
    else:
        common = Counter(map(name, [*now, *(then or [])])).most_common(CATEGORIES)
        labels = [label for label, _ in common]
        found = [
            [Counter(map(name, values))[label] / max(1, len(values)) for label in labels]
            for values in (now, then or [])
        ]
    image = shares(found[0], found[1] if then else None, labels)
    legend = ' <i class="series0"></i> new' + (
        ', <i class="series1"></i> published model' if then else ""
    )
    return figure(image, f"<b>{escape(feature)}</b>{legend}")


def in_bins(values: Sequence[Value], edges: np.ndarray) -> list[float]:
    present = [float(value) for value in values if value is not None]
    heights, _ = np.histogram(present, bins=edges)
    return [float(height) / max(1, len(values)) for height in heights]
