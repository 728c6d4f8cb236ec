"""Plots that show two models side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from judge.render import svg
from judge.render.svg import HEIGHT, RIGHT, TOP, WIDTH, Axis, Box, Mark, Plot

Points = Sequence[tuple[float, float]]
COLOURS = 6
ROW = 26  # height of one bar
MARGIN = 150  # for the names of bars


class Line(NamedTuple):
    """A line of a plot; one of the published model (`old`) is dashed."""

    points: Points
    colour: int
    old: bool = False


class Span(NamedTuple):
    """A named value between two ends."""

    name: str
    value: float
    low: float
    high: float
    colour: int = 0


def lines(drawn: Sequence[Line], x_title: str, y_title: str) -> Plot:
    """Draw lines on axes that fit them."""
    xs, ys = ([point[d] for line in drawn for point in line.points] for d in (0, 1))
    return framed(drawn, svg.across(xs), svg.up(ys), (x_title, y_title), [])


def unit_lines(drawn: Sequence[Line], x_title: str, y_title: str, *, diagonal: bool) -> Plot:
    """Draw lines on axes from 0 to 1; the `diagonal` is that of chance, or of a perfect model."""
    x, y = svg.across([0, 1], exact=True), svg.up([0, 1], exact=True)
    across = [svg.path("line", [(x(end), y(end)) for end in (0, 1)])] if diagonal else []
    return framed(drawn, x, y, (x_title, y_title), across)


def framed(
    drawn: Sequence[Line], x: Axis, y: Axis, titles: tuple[str, str], below: list[Mark]
) -> Plot:
    """Draw the axes, the marks `below`, and the lines."""
    marks = [*svg.frame(x, y, *titles), *below]
    for line in sorted(drawn, key=lambda line: not line.old):
        places = [(x(a), y(b)) for a, b in line.points]
        colour = f"series{line.colour % COLOURS}"
        marks.append(svg.path(f"{colour} old" if line.old else colour, places))
        if len(places) <= 12 and not line.old:
            marks += [svg.circle(*place, 3, colour) for place in places]
    return Plot(WIDTH, HEIGHT, marks, f"{titles[1]} by {titles[0]}")


def spans(drawn: Sequence[Span], title: str) -> Plot:
    """Draw values with their intervals, one below the other, and a line at zero."""
    ends = [end for span in drawn for end in (span.low, span.high)]
    x = svg.across([0.0, *ends], left=MARGIN)
    floor = TOP + ROW * len(drawn)
    marks = []
    for tick in x.ticks():
        is_zero = abs(tick) < 1e-12
        marks.append(svg.path("zero" if is_zero else "grid", [(x(tick), TOP), (x(tick), floor)]))
        marks.append(svg.text(x(tick), floor + 16, f"{tick:.3g}" if tick else "0", "middle"))
    for place, span in enumerate(drawn):
        y = TOP + ROW * (place + 0.5)
        colour = f"series{span.colour}"
        marks.append(svg.text(MARGIN - 8, y + 4, span.name[:24], "end"))
        marks.append(svg.path(colour, [(x(span.low), y), (x(span.high), y)]))
        marks.append(svg.circle(x(span.value), y, 5, colour))
    marks.append(svg.text((MARGIN + WIDTH - RIGHT) / 2, floor + 34, title, "middle"))
    return Plot(WIDTH, floor + 42, marks, title)


def shares(new: Sequence[float], old: Sequence[float] | None, names: Sequence[str]) -> Plot:
    """Draw the share of rows in each bin, the new ones as bars, the old ones as a line of steps."""
    tallest = max([*new, *(old or [])]) or 1.0
    x, y = svg.across([0, len(new)], exact=True), svg.up([0, tallest], exact=True)
    marks = svg.frame(x, y, "", "share of rows", x_ticks=False)
    floor = y(0)
    for place, (share, name) in enumerate(zip(new, names, strict=True)):
        left, right, top = x(place), x(place + 1), y(share)
        marks.append(svg.rect(Box(left + 1, top, right - left - 2, floor - top), "series0", 0.75))
        marks.append(svg.text((left + right) / 2, floor + 16, name[: 60 // len(new) + 3], "middle"))
    if old is not None:
        ends = [(x(place + d), y(share)) for place, share in enumerate(old) for d in (0, 1)]
        marks.append(svg.path("series1", ends))
    return Plot(WIDTH, HEIGHT, marks, "Share of rows by value")
