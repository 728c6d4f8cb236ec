"""One report in three formats, each of which says what was found."""

from __future__ import annotations

import copy
import json
import re
from xml.etree import ElementTree as ET

import msgspec
import numpy as np
import pytest
from markdown_it import MarkdownIt
from msgspec.structs import replace

from contract.bundle import Bundle, Where
from contract.evaluation.distribution import Distribution
from contract.spec import model_toml
from contract.spec.gate import ImageRules, Policy, Rules, Threshold
from judge.acceptance import needed
from judge.comparison.data_drift import InputDistributions
from judge.judge import Judgement, judge
from judge.render import curves
from judge.render.formats import formats
from judge.render.sentences import headline
from tests.support.models.shop import LOGISTIC, STUMP, Shop, flowers, published

pytestmark = pytest.mark.slow  # trains models


@pytest.fixture(scope="session")
def written(shop: Shop, good: Bundle) -> dict[str, str]:
    """The report on a worse model, trained on shifted data."""
    new = shop.train(flowers(seed=5, shift=1.0), STUMP)
    judgement = judge(new, published(good), model_toml.read("made", new.path.parent).gate)
    return {form: content.decode() for form, content in formats(judgement).items()}


def test_markdown_has_the_verdict_in_its_first_line(written: dict[str, str]) -> None:
    """Who reads one line knows what became of the model, and why."""
    first = written["md"].partition("\n")[0]
    assert re.match(r"### ❌ made: failed: accuracy must be at most 0.01 worse .* 0\.\d+ → ", first)


def test_markdown_holds_numbers_and_folds_details(written: dict[str, str]) -> None:
    """Old, new, difference and interval for each metric; the rest opens on a click."""
    number = r"[+-]?\d\.\d{4}"
    row = (
        rf"\| accuracy \| {number} \| {number} \| {number} \| ▼ worse "
        rf"\| {number} to {number} \| McNemar"
    )
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
    """Gains, six of the answers, importance, learning, three inputs."""
    pictures = re.findall(r"<svg.*?</svg>", written["html"])
    assert len(pictures) == 12
    for picture in pictures:
        ET.fromstring(picture)  # noqa: S314 - our own output
        assert "nan" not in picture


def test_page_of_a_first_model_has_its_own_pictures(shop: Shop) -> None:
    """Without a published model, the page shows its own pictures and leaves none empty."""
    new = shop.train(flowers(), LOGISTIC)
    judgement = judge(new, None, model_toml.read("made", new.path.parent).gate)
    page = formats(judgement)["html"].decode()
    assert len(re.findall("<svg", page)) == 10
    assert "Nothing is published yet" in page


def test_headline_is_the_first_gated_metric(good: Bundle) -> None:
    """One line, and the first row of the scores, say what people gate on, not the accuracy."""
    rules = Rules((Threshold("log_loss", "max", 2.0), Threshold("accuracy", "min", 0.5)), {})
    report = judge(good, None, Policy(rules, (), ImageRules(1.25, 2.0))).report
    assert [score.metric for score in report.scores][:3] == [
        "log_loss",
        "accuracy",
        "balanced_accuracy",
    ]
    assert re.match(r"✅ made: passed: log_loss 0\.\d+, with nothing", headline(report))


def test_curve_of_a_perfect_model_fills_the_square() -> None:
    """All positives come before the first negative."""
    points = curves.roc(np.array([True, False]), np.array([0.9, 0.1]))
    assert list(points) == [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)]


HOSTILE = (
    'a "reason"\r\n::error::$(touch x) `touch y` ``z``\x1b[31m <img src=x onerror=alert(1)> '
    "**b** | @everyone [l](javascript:x) &amp; \u202eend"
)


@pytest.fixture(scope="session")
def accepted(shop: Shop, good: Bundle) -> Judgement:
    """A worse model, accepted for a reason that tries everything."""
    new = shop.train(flowers(), STUMP)
    policy = model_toml.read("made", new.path.parent).gate
    refused = judge(new, published(good), policy).report
    lines = tuple(needed(refused.checks, good.manifest.version, HOSTILE, "octocat"))
    return judge(new, published(good), replace(policy, accepted=lines))


def test_reason_of_an_acceptance_is_recorded_as_it_was_given(accepted: Judgement) -> None:
    """report.json holds a reason character for character."""
    recorded = json.loads(formats(accepted)["json"])["accepted"]
    assert {line["reason"] for line in recorded} == {HOSTILE}
    assert accepted.report.verdict == "accepted"


def test_reason_of_an_acceptance_cannot_break_out(accepted: Judgement) -> None:
    """A reason is one printable line in a log, code in Markdown and text in a page."""
    line = headline(accepted.report)
    assert line.isprintable()
    assert line.endswith("| @everyone [l](javascript:x) &amp; end")
    written = formats(accepted)
    first = written["md"].decode().partition("\n")[0]
    assert first.endswith("&amp; end ```")
    assert first.count("```") == 2 * len(accepted.report.accepted)
    page = written["html"].decode()
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def text_everywhere(value: object) -> None:
    """Put hostile text into every field of a report that holds text, and is no fixed word."""
    fixed = {"verdict", "direction", "task", "metric", "bound", "schema_version", "bundle"}
    if isinstance(value, list):
        for element in value:
            text_everywhere(element)
    elif isinstance(value, msgspec.Struct):
        for name in set(value.__struct_fields__) - fixed:
            content = getattr(value, name)
            if isinstance(content, str):
                setattr(value, name, HOSTILE)
            elif isinstance(content, Where):
                setattr(value, name, Where(HOSTILE, HOSTILE))
            elif name in ("warnings", "features"):
                setattr(value, name, [HOSTILE] if name == "warnings" else {HOSTILE: HOSTILE})
            else:
                text_everywhere(content)


def test_report_of_hostile_words_has_the_markup_of_a_harmless_one(accepted: Judgement) -> None:
    """Names, reasons and notes of any text leave the report's markup as it is."""
    hostile = copy.deepcopy(accepted)
    text_everywhere(hostile.report)
    counts = Distribution(categories=[HOSTILE, "# h"], counts=[3, 2, 1], missing=1)
    inputs = [InputDistributions(HOSTILE, counts, counts)]
    hostile = hostile._replace(classes=[HOSTILE, "b", "c"], distributions=inputs)
    in_formats = formats(hostile)
    page = in_formats["html"].decode()
    assert HOSTILE not in page
    assert set(re.findall(r"<(\w+)", page)) == set(
        re.findall(r"<(\w+)", formats(accepted)["html"].decode())
    )
    for picture in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ET.fromstring(picture)  # noqa: S314 - our own output
    written = MarkdownIt("commonmark").enable("table").render(in_formats["md"].decode())
    assert not re.search(r"<(img|a|em)\b|\bonerror=[^&]*>", written.replace("&gt;", ""))
    folds = formats(accepted)["md"].count(b"<details><summary>")
    assert written.count("<details>") == written.count("<summary>") == folds
    assert "@everyone" not in re.sub(r"<code>.*?</code>", "", written)
