"""Plots as inline SVG: the same bytes for the same numbers, coloured by the page's style sheet."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from html import escape

from contract.bundle import Label

WIDTH, HEIGHT = 440, 320
LEFT, BOTTOM, TOP, RIGHT = 62, 44, 12, 12
POINTS = 1_000  # more than these are one blot, and the page grows
BINS = 20
READABLE = 24  # pixels a cell of the matrix needs for its count


def confusion(truth: Sequence[Label], predictions: Sequence[Label], labels: Sequence[Label]) -> str:
    """Draw how often each class (row) was taken for each class (column)."""
    counts = Counter(zip(truth, predictions, strict=True))
    longest = max(len(str(label)) for label in labels)
    margin = 16 + 6.5 * min(longest, 24)
    cell = max(10.0, min(84.0, (WIDTH - margin) / len(labels)))
    marks = []
    for row, actual in enumerate(labels):
        total = sum(counts[actual, other] for other in labels) or 1
        for column, predicted in enumerate(labels):
            count = counts[actual, predicted]
            x, y = margin + column * cell, row * cell
            marks.append(matrix_cell(x, y, cell, count, count / total, right=row == column))
        marks.append(text(margin - 8, (row + 0.5) * cell + 4, actual, "end"))
        x, y = margin + (row + 0.5) * cell, len(labels) * cell + 18
        turned = f' transform="rotate(-35 {x:.1f} {y:.1f})"'
        marks.append(text(x, y, actual, "end", turned))
    size = margin + len(labels) * cell
    drop = 4.5 * min(longest, 24) + 20  # below the matrix, for the turned labels
    return svg(
        size, len(labels) * cell + drop, marks, "Confusion matrix: rows are true, columns predicted"
    )


def matrix_cell(  # noqa: PLR0913 - a rectangle has four of these
    x: float, y: float, size: float, count: int, share: float, *, right: bool
) -> str:
    kind = "right" if right else "wrong"
    opacity = 0.06 + 0.84 * share if count else 0.04
    box = (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{size - 2:.1f}" height="{size - 2:.1f}" rx="4" '
        f'class="{kind}" fill-opacity="{opacity:.2f}"/>'
    )
    if size < READABLE or not count:
        return box
    style = ' class="on"' if share > 0.55 else ""
    return box + text(x + size / 2 - 1, y + size / 2 + 4, count, "middle", style)


def scatter(truth: Sequence[float], predictions: Sequence[float]) -> str:
    """Draw predictions against the truth; a perfect model's points lie on the line."""
    axis = Axis([*truth, *predictions])
    step = math.ceil(len(truth) / POINTS)
    start, end = (f"{axis.x(value):.1f} {axis.y(value):.1f}" for value in (axis.low, axis.high))
    marks = frame(axis, axis, "true value", "predicted")
    marks.append(f'<path class="line" d="M{start}L{end}"/>')
    for actual, predicted in list(zip(truth, predictions, strict=True))[::step]:
        x, y = axis.x(actual), axis.y(predicted)
        marks.append(f'<circle class="right" cx="{x:.1f}" cy="{y:.1f}" r="3" fill-opacity=".55"/>')
    return svg(WIDTH, HEIGHT, marks, "Predicted against true values")


def histogram(groups: dict[str, list[float]], title: str, low: float, high: float) -> str:
    """Draw stacked counts of values; the groups are style classes, bottom first."""
    width = (high - low) / BINS or 1.0
    counts = {
        name: Counter(min(int((value - low) / width), BINS - 1) for value in values)
        for name, values in groups.items()
    }
    tallest = max(sum(count[bin_] for count in counts.values()) for bin_ in range(BINS))
    across, up = Axis([low, high], exact=True), Axis([0, tallest or 1], exact=True)
    marks = frame(across, up, title, "rows")
    for bin_ in range(BINS):
        base = 0
        x = across.x(low + bin_ * width)
        for name, count in counts.items():
            if count[bin_]:
                top, bottom = up.y(base + count[bin_]), up.y(base)
                marks.append(
                    f'<rect class="{name}" x="{x + 0.5:.1f}" y="{top:.1f}" fill-opacity=".8" '
                    f'width="{across.x(low + width) - across.x(low) - 1:.1f}" '
                    f'height="{bottom - top:.1f}"/>'
                )
            base += count[bin_]
    return svg(WIDTH, HEIGHT, marks, f"Histogram of {title}")


class Axis:
    """A range of values on the plot, with round ticks."""

    def __init__(self, values: Sequence[float], *, exact: bool = False) -> None:
        low, high = min(values), max(values)
        margin = 0.0 if exact else (high - low) * 0.04 or 1.0
        self.low, self.high = low - margin, high + margin

    def x(self, value: float) -> float:
        return LEFT + (value - self.low) / (self.high - self.low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)

    def ticks(self) -> list[float]:
        raw = (self.high - self.low) / 5
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [number * step for number in range(first, last + 1)]


def frame(across: Axis, up: Axis, x_title: str, y_title: str) -> list[str]:
    floor, middle = HEIGHT - BOTTOM, (TOP + HEIGHT - BOTTOM) / 2
    marks = []
    for tick in up.ticks():
        y = up.y(tick)
        marks.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        marks.append(text(LEFT - 6, y + 4, f"{tick:g}", "end"))
    marks += [text(across.x(tick), floor + 16, f"{tick:g}", "middle") for tick in across.ticks()]
    marks.append(f'<path class="axis" d="M{LEFT} {floor}H{WIDTH - RIGHT}"/>')
    marks.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_title, "middle"))
    turned = f' transform="rotate(-90 12 {middle:.1f})"'
    marks.append(text(12, middle, y_title, "middle", turned))
    return marks


def text(x: float, y: float, content: object, anchor: str, more: str = "") -> str:
    words = escape(str(content))
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{words}</text>'


def svg(width: float, height: float, marks: Sequence[str], label: str) -> str:
    """Wrap marks in an image that a screen reader can name."""
    return (
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" '
        f'aria-label="{escape(label)}">{"".join(marks)}</svg>'
    )
