"""Plots and card say what the numbers say."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from contract import card, svg


def parsed(image: str) -> ET.Element:
    return ET.fromstring(image)  # noqa: S314 - our own output


def test_confusion_counts_each_pair_of_classes() -> None:
    """The matrix holds every count that is not zero, and the name of every class twice."""
    image = parsed(svg.confusion(["a", "a", "b"], ["a", "b", "b"], ["a", "b"]))
    texts = [each.text for each in image.iter("text")]
    assert sorted(texts, key=str) == ["1", "1", "1", "a", "a", "b", "b"]
    assert len(list(image.iter("rect"))) == 4


def test_names_of_classes_cannot_break_the_page() -> None:
    """A class may be called as an HTML tag."""
    image = parsed(svg.confusion(["<b>&"], ["<b>&"], ["<b>&"]))
    assert [each.text for each in image.iter("text")] == ["1", "<b>&", "<b>&"]


def test_histogram_stacks_every_value() -> None:
    """The heights of the bars add up to the number of values."""
    groups = {"right": [0.1, 0.1, 0.9], "wrong": [0.1]}
    image = parsed(svg.histogram(groups, "share", 0.0, 1.0))
    heights = {"right": 0.0, "wrong": 0.0}
    for bar in image.iter("rect"):
        heights[bar.attrib["class"]] += float(bar.attrib["height"])
    assert heights["right"] == pytest.approx(3 * heights["wrong"], abs=0.2)


@pytest.mark.parametrize("values", [[0.0, 0.0], [5.0, 5.0], [-1e9, 1e9], [1e-9, 2e-9]])
def test_scatter_draws_any_numbers(values: list[float]) -> None:
    """Constant, huge and tiny values all stay inside the image."""
    image = parsed(svg.scatter(values, values))
    for point in image.iter("circle"):
        assert 0 <= float(point.attrib["cx"]) <= svg.WIDTH
        assert 0 <= float(point.attrib["cy"]) <= svg.HEIGHT


def test_scatter_of_many_rows_stays_small() -> None:
    """A page of a hundred thousand points would help nobody."""
    many = [float(row) for row in range(100_000)]
    assert len(re.findall("<circle", svg.scatter(many, many))) == svg.POINTS


def test_notes_go_below_the_headings_of_the_card() -> None:
    """The title of the notes gives way, and their sections become subsections."""
    notes = "# Title\n\nText.\n\n## Limits\n\n- one\n"
    assert card.indent_headings(notes) == "\nText.\n\n### Limits\n\n- one"


def test_table_of_the_card_survives_any_text() -> None:
    """A bar or a line break in a cell would end it."""
    assert card.table(("a",), [("x|y\nz",)]).splitlines()[-1] == "| x\\|y z |"
