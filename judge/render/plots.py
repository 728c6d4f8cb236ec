"""Plots of two models side by side, as inline SVG like those of `contract.svg`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from contract.svg import HEIGHT, RIGHT, TOP, WIDTH, Axis, frame, svg, text

Points = Sequence[tuple[float, float]]
COLOURS = 6
ROW = 26  # height of one bar
MARGIN = 150  # for the names of bars


class Line(NamedTuple):
    """A line of a plot; `old` lines are dashed."""

    points: Points
    colour: int
    old: bool = False


class Span(NamedTuple):
    """A value between two ends, by name."""

    name: str
    value: float
    low: float
    high: float
    colour: int = 0


def lines(drawn: Sequence[Line], x_title: str, y_title: str, *, unit: bool = False) -> str:
    """Draw lines; `unit` plots run from 0 to 1 both ways."""
    across, up = (
        Axis([0, 1], exact=True) if unit else Axis([p[d] for line in drawn for p in line.points])
        for d in (0, 1)
    )
    marks = frame(across, up, x_title, y_title)
    if unit and x_title != "recall":
        start, end = (f"{across.x(v):.1f} {up.y(v):.1f}" for v in (0, 1))
        marks.append(f'<path class="line" d="M{start}L{end}"/>')
    for line in sorted(drawn, key=lambda line: not line.old):
        marks += path(line, across, up)
    return svg(WIDTH, HEIGHT, marks, f"{y_title} by {x_title}")


def path(line: Line, across: Axis, up: Axis) -> list[str]:
    places = [(across.x(x), up.y(y)) for x, y in line.points]
    colour = f"series{line.colour % COLOURS}"
    kind = f"{colour} old" if line.old else colour
    marks = [f'<path class="{kind}" d="M{"L".join(f"{x:.1f} {y:.1f}" for x, y in places)}"/>']
    if len(places) <= 12 and not line.old:
        marks += [f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places]
    return marks


def spans(drawn: Sequence[Span], title: str) -> str:
    """Draw values with their intervals, one below the other, and where zero is."""
    axis = Wide([0.0, *(end for span in drawn for end in (span.low, span.high))])
    floor = TOP + ROW * len(drawn)
    marks = []
    for tick in axis.ticks():
        x = axis.x(tick)
        kind = "zero" if abs(tick) < 1e-12 else "grid"
        marks.append(f'<path class="{kind}" d="M{x:.1f} {TOP}V{floor}"/>')
        marks.append(text(x, floor + 16, f"{tick:.3g}" if tick else "0", "middle"))
    for place, span in enumerate(drawn):
        y = TOP + ROW * (place + 0.5)
        colour = f"series{span.colour}"
        marks.append(text(MARGIN - 8, y + 4, span.name[:24], "end"))
        ends = f"M{axis.x(span.low):.1f} {y:.1f}H{axis.x(span.high):.1f}"
        marks.append(f'<path class="{colour}" d="{ends}"/>')
        marks.append(f'<circle class="{colour}" cx="{axis.x(span.value):.1f}" cy="{y:.1f}" r="5"/>')
    marks.append(text((MARGIN + WIDTH - RIGHT) / 2, floor + 34, title, "middle"))
    return svg(WIDTH, floor + 42, marks, title)


class Wide(Axis):
    """An axis that leaves room for names at its left."""

    def x(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return MARGIN + share * (WIDTH - MARGIN - RIGHT)


def shares(new: Sequence[float], old: Sequence[float] | None, names: Sequence[str]) -> str:
    """Draw the share of rows in each bin: the new ones as bars, the old ones as a line of steps."""
    tallest = max([*new, *(old or [])]) or 1.0
    across, up = Axis([0, len(new)], exact=True), Axis([0, tallest], exact=True)
    marks = frame(across, up, "", "share of rows")
    marks = [mark for mark in marks if f'y="{HEIGHT - 44 + 16:.1f}"' not in mark]
    floor = up.y(0)
    for place, (share, name) in enumerate(zip(new, names, strict=True)):
        left, right = across.x(place), across.x(place + 1)
        marks.append(
            f'<rect class="series0" fill-opacity=".75" x="{left + 1:.1f}" y="{up.y(share):.1f}" '
            f'width="{right - left - 2:.1f}" height="{floor - up.y(share):.1f}"/>'
        )
        marks.append(text((left + right) / 2, floor + 16, name[: 60 // len(new) + 3], "middle"))
    if old is not None:
        steps = "".join(
            f"{'L' if place else 'M'}{across.x(place):.1f} {up.y(share):.1f}"
            f"H{across.x(place + 1):.1f}"
            for place, share in enumerate(old)
        )
        marks.append(f'<path class="series1" d="{steps}"/>')
    return svg(WIDTH, HEIGHT, marks, "Share of rows by value")
