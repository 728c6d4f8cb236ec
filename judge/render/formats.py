"""Render one report as JSON, as Markdown and as a page."""

from __future__ import annotations

import msgspec

from contract.bundle import encode
from judge import acceptance
from judge.judge import Judgement
from judge.render import figures, report_tables, sentences
from judge.render.environment import render
from judge.render.markdown import block
from judge.report import Report


def formats(judgement: Judgement) -> dict[str, bytes]:
    """Return the report in each format, by the ending of its file."""
    return {
        "json": json(judgement.report),
        "md": markdown(judgement.report),
        "html": html(judgement),
    }


def json(report: Report) -> bytes:
    """Return report.json, as its schema describes it."""
    return encode({"headline": sentences.headline(report)} | msgspec.to_builtins(report))


def markdown(report: Report) -> bytes:
    """Return the verdict, one table, and folded details."""
    lines = acceptance.pasted(report)
    return render(
        "report.md.j2",
        report=report,
        tables=report_tables,
        sentences=sentences,
        pasted=block(lines, "toml") if lines else "",
    )


def html(judgement: Judgement) -> bytes:
    """Return a page that needs no other file or network, in light and dark."""
    new, old = judgement.compared, judgement.old
    return render(
        "report.html.j2",
        report=judgement.report,
        tables=report_tables,
        sentences=sentences,
        gains=figures.differences(judgement.report),
        answers=figures.answers(new, old, judgement.classes),
        learned=figures.learned(judgement.fresh.study),
        inputs=figures.distributions(judgement.distributions),
    )
