"""Plots of one model's answers to its holdout; equal numbers give equal plots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from contract.bundle import Label
from judge.render import svg
from judge.render.svg import HEIGHT, WIDTH, Box, Mark, Plot, rect, text

CELLS = 30  # of a plot of predictions against the truth, each way
BINS = 20
READABLE = 24  # pixels a cell of the matrix needs for its count
LONGEST = 24  # characters of a class that the margin has room for


def confusion(
    truth: Sequence[Label], predictions: Sequence[Label], labels: Sequence[Label]
) -> Plot:
    """Draw how often each class (row) was predicted as each class (column)."""
    counts = Counter(zip(truth, predictions, strict=True))
    longest = min(LONGEST, max(len(str(label)) for label in labels))
    margin = 16 + 6.5 * longest
    cell = max(10.0, min(84.0, (WIDTH - margin) / len(labels)))
    marks = []
    for row, actual in enumerate(labels):
        total = sum(counts[actual, other] for other in labels) or 1
        for column, predicted in enumerate(labels):
            count = counts[actual, predicted]
            x, y = margin + column * cell, row * cell
            marks += matrix_cell(x, y, cell, count, count / total, right=row == column)
        marks.append(text(margin - 8, (row + 0.5) * cell + 4, actual, "end"))
        x, y = margin + (row + 0.5) * cell, len(labels) * cell + 18
        marks.append(text(x, y, actual, "end", turn=-35))
    size = margin + len(labels) * cell
    drop = 4.5 * longest + 20  # below the matrix, for the turned labels
    label = "Confusion matrix: rows are true, columns predicted"
    return Plot(size, len(labels) * cell + drop, marks, label)


def matrix_cell(  # noqa: PLR0913 - a rectangle has four of these
    x: float, y: float, size: float, count: int, share: float, *, right: bool
) -> list[Mark]:
    """Draw one cell of the matrix, with its count if there is room."""
    opacity = 0.06 + 0.84 * share if count else 0.04
    kind = "right" if right else "wrong"
    box = rect(Box(x, y, size - 2, size - 2), kind, opacity, radius=4)
    if size < READABLE or not count:
        return [box]
    style = "on" if share > 0.55 else ""
    return [box, text(x + size / 2 - 1, y + size / 2 + 4, count, "middle", style=style)]


def density(truth: Sequence[float], predictions: Sequence[float]) -> Plot:
    """Draw how many rows have about this truth and prediction; a perfect model's lie on the line.

    Cells rather than points, of which each would show the numbers of a row.
    """
    both = [*truth, *predictions]
    x, y = svg.across(both), svg.up(both)
    cell = (x.high - x.low) / CELLS
    counts = Counter(
        (int((actual - x.low) / cell), int((predicted - x.low) / cell))
        for actual, predicted in zip(truth, predictions, strict=True)
    )
    most = max(counts.values())
    marks = svg.frame(x, y, "true value", "predicted")
    marks.append(svg.path("line", [(x(end), y(end)) for end in (x.low, x.high)]))
    for (column, row), count in sorted(counts.items()):
        left, right = (x(x.low + (column + edge) * cell) for edge in (0, 1))
        bottom, top = (y(x.low + (row + edge) * cell) for edge in (0, 1))
        box = Box(left, top, right - left, bottom - top)
        marks.append(rect(box, "right", 0.25 + 0.7 * count / most))
    return Plot(WIDTH, HEIGHT, marks, "Predicted against true values")


def histogram(groups: dict[str, list[float]], title: str, low: float, high: float) -> Plot:
    """Draw stacked counts of values; the groups are style classes, bottom first."""
    width = (high - low) / BINS or 1.0
    counts = {
        name: Counter(min(int((value - low) / width), BINS - 1) for value in values)
        for name, values in groups.items()
    }
    tallest = max(sum(count[place] for count in counts.values()) for place in range(BINS))
    x, y = svg.across([low, low + width * BINS], exact=True), svg.up([0, tallest or 1], exact=True)
    marks = svg.frame(x, y, title, "rows")
    for place in range(BINS):
        left, right = (x(low + edge * width) for edge in (place, place + 1))
        base = 0
        for name, count in counts.items():
            if count[place]:
                top, bottom = y(base + count[place]), y(base)
                bar = Box(left + 0.5, top, right - left - 1, bottom - top)
                marks.append(rect(bar, name, 0.8))
            base += count[place]
    return Plot(WIDTH, HEIGHT, marks, f"Histogram of {title}")
