"""One report in three forms, each of which says what was found."""

from __future__ import annotations

import re
from functools import partial
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from judge import curves, plots
from judge.forms import forms
from judge.judge import Published, judge
from model import spec
from model.bundle import Bundle
from ship.ask import ask_graph
from tests.judge.conftest import LOGISTIC, STUMP, Shop, flowers


@pytest.fixture(scope="session")
def written(shop: Shop, good: Bundle) -> dict[str, str]:
    """The report on a worse model, trained on shifted data."""
    new = shop.train(flowers(seed=5, shift=1.0), STUMP)
    old = Published(good, "sha256:old", "layout:main", partial(ask_graph, good))
    found = judge(new, old, spec.read("made", new.path.parent).gate)
    return {form: content.decode() for form, content in forms(found).items()}


def test_markdown_has_the_verdict_in_its_first_line(written: dict[str, str]) -> None:
    """Who reads one line knows what became of the model, and why."""
    first = written["md"].partition("\n")[0]
    assert re.match(r"### ❌ made: failed: accuracy must be at most 0.01 worse .* 0\.\d+ → ", first)


def test_markdown_holds_numbers_and_folds_details(written: dict[str, str]) -> None:
    """Old, new, difference and interval for each metric; the rest opens on a click."""
    number = r"[+-]?\d\.\d{4}"
    row = rf"\| accuracy \| {number} \| {number} \| {number} \| {number} to {number} \| McNemar"
    assert re.search(row, written["md"])
    summaries = re.findall("<summary>(.*?)</summary>", written["md"])
    assert [summary.split()[0] for summary in summaries][:2] == ["Gate", summaries[1].split()[0]]
    assert any("predictions changed" in summary for summary in summaries)
    assert "> [!WARNING]" in written["md"]


def test_page_needs_nothing_but_itself(written: dict[str, str]) -> None:
    """No script, style, font or image from elsewhere; light and dark."""
    page = written["html"]
    assert not re.search(r"<script|<link|<img|@import|url\(|(src|href)=", page)
    assert "prefers-color-scheme: dark" in page
    assert len(page) < 200_000


def test_page_shows_every_picture(written: dict[str, str]) -> None:
    """Gains, two matrices, ROC, precision, calibration, importance, learning, three inputs."""
    pictures = re.findall(r"<svg.*?</svg>", written["html"])
    assert len(pictures) == 11
    for picture in pictures:
        ET.fromstring(picture)  # noqa: S314 - our own output
        assert "nan" not in picture


def test_page_of_a_first_model_has_its_own_pictures(shop: Shop) -> None:
    """Without a published model nothing is left empty."""
    new = shop.train(flowers(), LOGISTIC)
    found = judge(new, None, spec.read("made", new.path.parent).gate)
    page = forms(found)["html"].decode()
    assert len(re.findall("<svg", page)) == 9
    assert "Nothing is published yet" in page


def test_curve_of_a_perfect_model_fills_the_square() -> None:
    """All positives come before the first negative."""
    points = curves.roc(np.array([True, False]), np.array([0.9, 0.1]))
    assert list(points) == [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)]


@pytest.mark.parametrize("values", [(0.0, 0.0, 0.0), (1e-9, 1e-9, 2e-9), (-1e6, 0.0, 1e6)])
def test_spans_draw_any_numbers(values: tuple[float, float, float]) -> None:
    """A difference of nothing, of almost nothing and of very much all have a place."""
    low, value, high = values
    image = ET.fromstring(plots.spans([plots.Span("a<b", value, low, high)], "gain"))  # noqa: S314
    (point,) = image.iter("circle")
    assert 0 <= float(point.attrib["cx"]) <= 440
