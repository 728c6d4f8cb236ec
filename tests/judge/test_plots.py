"""Plots say what the numbers say."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from judge.render import holdout_plots, plots, svg
from judge.render.environment import render
from judge.render.svg import Mark, Plot


def image(plot: Plot) -> ET.Element:
    """Return a plot as parsed SVG."""
    return ET.fromstring(render("plot.svg.j2", plot=plot))  # noqa: S314 - our own output


def test_confusion_counts_each_pair_of_classes() -> None:
    """The matrix holds every count that is not zero, and the name of every class twice."""
    drawn = image(holdout_plots.confusion(["a", "a", "b"], ["a", "b", "b"], ["a", "b"]))
    texts = [text.text for text in drawn.iter("text")]
    assert sorted(texts, key=str) == ["1", "1", "1", "a", "a", "b", "b"]
    assert len(list(drawn.iter("rect"))) == 4


def test_names_of_classes_cannot_break_the_page() -> None:
    """A class that is named like an HTML tag is escaped."""
    drawn = image(holdout_plots.confusion(["<b>&"], ["<b>&"], ["<b>&"]))
    assert [text.text for text in drawn.iter("text")] == ["1", "<b>&", "<b>&"]


def test_image_escapes_every_word_that_it_is_given() -> None:
    """Labels, texts and attributes of the image are escaped."""
    hostile = "\"'></text></svg><script>alert(1)</script>]]>&amp;"
    drawn = image(Plot(10, 10, [Mark("text", {"class": hostile}, hostile)], hostile))
    (text,) = drawn
    assert drawn.attrib["aria-label"] == text.text == text.attrib["class"] == hostile


def test_histogram_stacks_every_value() -> None:
    """The heights of the bars add up to the number of values."""
    groups = {"right": [0.1, 0.1, 0.9], "wrong": [0.1]}
    drawn = image(holdout_plots.histogram(groups, "share", 0.0, 1.0))
    heights = {"right": 0.0, "wrong": 0.0}
    for bar in drawn.iter("rect"):
        heights[bar.attrib["class"]] += float(bar.attrib["height"])
    assert heights["right"] == pytest.approx(3 * heights["wrong"], abs=0.2)


@pytest.mark.parametrize("values", [[0.0, 0.0], [5.0, 5.0], [-1e9, 1e9], [1e-9, 2e-9]])
def test_density_draws_any_numbers(values: list[float]) -> None:
    """Constant, huge and tiny values all stay inside the image."""
    drawn = image(holdout_plots.density(values, values))
    for cell in drawn.iter("rect"):
        assert 0 <= float(cell.attrib["x"]) <= svg.WIDTH
        assert 0 <= float(cell.attrib["y"]) <= svg.HEIGHT


def test_density_of_many_rows_stays_small_and_shows_no_row() -> None:
    """Rows of about the same numbers share a cell, in which none of them can be told apart."""
    many = [float(row) for row in range(100_000)]
    drawn = image(holdout_plots.density(many, many))
    assert 20 <= len(list(drawn.iter("rect"))) <= holdout_plots.CELLS
    assert not list(drawn.iter("circle"))


@pytest.mark.parametrize("values", [(0.0, 0.0, 0.0), (1e-9, 1e-9, 2e-9), (-1e6, 0.0, 1e6)])
def test_spans_draw_any_numbers(values: tuple[float, float, float]) -> None:
    """Differences of zero, almost zero and a very large one are all drawn inside the image."""
    low, value, high = values
    drawn = image(plots.spans([plots.Span("a<b", value, low, high)], "gain"))
    (point,) = drawn.iter("circle")
    assert 0 <= float(point.attrib["cx"]) <= svg.WIDTH
