"""Plots as marks with places, from which a template makes SVG that the page colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

WIDTH, HEIGHT = 440, 320
LEFT, BOTTOM, TOP, RIGHT = 62, 44, 12, 12


class Mark(NamedTuple):
    """One element of a drawing; the template escapes its attributes and its text."""

    tag: str
    attributes: dict[str, str]
    text: str = ""


class Box(NamedTuple):
    """The upper left corner of a rectangle, its width and its height."""

    x: float
    y: float
    width: float
    height: float


class Plot(NamedTuple):
    """A drawing, in pixels, and the label by which a screen reader names it."""

    width: float
    height: float
    marks: Sequence[Mark]
    label: str


def rect(box: Box, style: str, opacity: float, radius: int = 0) -> Mark:
    """Return a rectangle."""
    places = box._asdict()
    rounded = {"rx": str(radius)} if radius else {}
    shown = {"class": style, "fill-opacity": f"{opacity:.2f}"}
    return Mark("rect", {name: f"{value:.1f}" for name, value in places.items()} | rounded | shown)


def circle(x: float, y: float, radius: int, style: str, opacity: float = 1) -> Mark:
    """Return a circle."""
    shown = {"class": style, "cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": str(radius)}
    return Mark("circle", shown if opacity == 1 else shown | {"fill-opacity": f"{opacity:.2f}"})


def path(style: str, points: Sequence[tuple[float, float]]) -> Mark:
    """Return straight lines that join points."""
    steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return Mark("path", {"class": style, "d": f"M{steps}"})


def text(  # noqa: PLR0913 - of which most texts need four
    x: float, y: float, content: object, anchor: str, *, turn: int = 0, style: str = ""
) -> Mark:
    """Return a text: `anchor` is which end of it stands at the place, `turn` is in degrees."""
    placed = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}
    turned = {"transform": f"rotate({turn} {x:.1f} {y:.1f})"} if turn else {}
    return Mark("text", placed | turned | ({"class": style} if style else {}), str(content))


class Axis:
    """A range of values between two pixels, with round ticks."""

    def __init__(
        self, values: Sequence[float], start: float, end: float, *, exact: bool = False
    ) -> None:
        low, high = min(values), max(values)
        margin = 0.0 if exact else (high - low) * 0.04 or 1.0
        self.low, self.high = low - margin, high + margin
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        """Return the pixel of a value."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Return about five round values (Heckbert 1990, "Nice numbers for graph labels")."""
        raw = (self.high - self.low) / 5
        unit = 10.0 ** math.floor(math.log10(raw))
        step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [number * step for number in range(first, last + 1)]


def across(values: Sequence[float], *, exact: bool = False, left: float = LEFT) -> Axis:
    """Return a horizontal axis for values."""
    return Axis(values, left, WIDTH - RIGHT, exact=exact)


def up(values: Sequence[float], *, exact: bool = False) -> Axis:
    """Return a vertical axis for values."""
    return Axis(values, HEIGHT - BOTTOM, TOP, exact=exact)


def frame(x: Axis, y: Axis, x_title: str, y_title: str, *, x_ticks: bool = True) -> list[Mark]:
    """Return the grid, the ticks and the titles of two axes."""
    floor, middle = HEIGHT - BOTTOM, (TOP + HEIGHT - BOTTOM) / 2
    marks = []
    for tick in y.ticks():
        marks.append(path("grid", [(LEFT, y(tick)), (WIDTH - RIGHT, y(tick))]))
        marks.append(text(LEFT - 6, y(tick) + 4, f"{tick:g}", "end"))
    if x_ticks:
        marks += [text(x(tick), floor + 16, f"{tick:g}", "middle") for tick in x.ticks()]
    marks.append(path("axis", [(LEFT, floor), (WIDTH - RIGHT, floor)]))
    marks.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_title, "middle"))
    marks.append(text(12, middle, y_title, "middle", turn=-90))
    return marks
