"""The report as a page that needs nothing else."""

from __future__ import annotations

from html import escape

from contract.html_page import badge, page, plots, section, table
from judge.comparison.paired import reading
from judge.judge import Judgement
from judge.render import figures, markdown
from judge.report import Report, Score

TILES = 4


def html(found: Judgement) -> str:
    """Return the page."""
    report = found.report
    name = escape(report.model)
    verdict = "failed" if report.verdict == "failed" else "passed"
    body = [
        f"<header><h1>{name}</h1>{badge(report.verdict, verdict)}</header>",
        f'<p class="lead">{escape(report.headline.split(": ", 2)[2])}</p>',
        *(f'<p class="warning">{escape(warning)}</p>' for warning in report.warnings),
        f'<div class="tiles">{"".join(map(tile, report.scores[:TILES]))}</div>',
        section("Metrics", metrics(report)),
        section("Answers", plots(figures.answers(found.compared, found.old, found.classes))),
        section("Gate", gate(report)),
    ]
    if report.segments:
        body.append(section("Segments", segments(report)))
    if report.changes and report.changes.count:
        body.append(section(markdown.changed(report), changes(report)))
    if studied := figures.study(found.fresh.study):
        body.append(section("What the model learned", plots(studied)))
    if report.drift:
        moved = table(markdown.MOVED, markdown.drift_rows(report), numbers=True)
        body.append(section("Data against the published model's", moved))
    body.append(section("Inputs", plots(figures.distributions(found.fresh, found.recorded))))
    body.append(section("Provenance", provenance(report)))
    return page(f"{report.model}: {report.verdict}", body)


def tile(score: Score) -> str:
    kind = {"worse": "failed", "better": "passed"}.get(score.direction or "", "")
    change = f"95 %: {score.new_low:.3g} to {score.new_high:.3g}"
    if score.old is not None:
        change = f"was {score.old:.4g}: {reading(score.direction)}"
    note = kind or "note"
    return (
        f'<div class="tile {kind}"><b>{score.new:.4g}</b> {score.metric}'
        f'<small class="{note}">{change}</small></div>'
    )


def metrics(report: Report) -> str:
    drawn = plots(figures.differences(report))
    note = f"<p>{escape(report.note)}</p>"
    if any(score.old is not None for score in report.scores):
        return drawn + table(*markdown.score_table(report), numbers=True) + note
    rows = [
        (score.metric, f"{score.new:.4f}", f"{score.new_low:.4f} to {score.new_high:.4f}")
        for score in report.scores
    ]
    return table(("metric", "new", "95 % interval"), rows, numbers=True) + note


def gate(report: Report) -> str:
    rows = [
        ("passed" if check.passed else "FAILED", check.name, check.rule, check.found)
        for check in report.checks
    ]
    accepted = f"<p>Accepted all the same: {escape(report.override)}</p>" if report.override else ""
    return table(("", "what", "must be", "is"), rows) + accepted


def segments(report: Report) -> str:
    head, rows = markdown.segment_table(report)
    return table(head[:-1], [cells for cells, _ in rows], numbers=True)


def changes(report: Report) -> str:
    shown = report.changes.shown if report.changes else []
    return table(markdown.CHANGED, list(map(markdown.change_row, shown)))


def provenance(report: Report) -> str:
    rows = markdown.sides(report)
    return table(("", "published", "new"), rows)
