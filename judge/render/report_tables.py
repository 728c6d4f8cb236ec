"""The tables of the report, for Markdown and for the page."""

from __future__ import annotations

from contract.bundle import Outcome, Value
from contract.evaluation.segments import MISSING
from judge.render.sentences import over_seeds, reading, worded
from judge.render.table import Cell, Style, Table
from judge.report import Direction, ModelSummary, Report, Score

BAR = 20
STYLES: dict[Direction | None, Style] = {"better": Style.GOOD, "worse": Style.BAD}
HASHES = ("digest", "data_sha256", "revision")
SHOWN = 19  # characters of a hash


def scores(report: Report) -> Table:
    """Return the metrics, beside those of the published model where it was compared."""
    if any(score.old is not None for score in report.scores):
        return comparison(report)
    rows: list[list[str | Cell]] = [
        [score.metric, f"{score.new:.4f}", f"{score.new_low:.4f} to {score.new_high:.4f}",
         bar(score)] for score in report.scores
    ]  # fmt: skip
    return Table(("metric", "new", "95 % interval", ""), rows, numbers=True)


def comparison(report: Report) -> Table:
    """Return both models' metrics, with a column for all rows where fewer are compared."""
    head = ["metric", "published", "new", "difference", "",
            f"{report.confidence:.1%} interval", "test"]  # fmt: skip
    rows = [score_row(score) for score in report.scores]
    if has_fewer(report):
        head.insert(3, f"new, all {report.rows} rows")
        for row, score in zip(rows, report.scores, strict=True):
            row.insert(3, f"{score.whole:.4f}")
    return Table(head, rows, numbers=True)


def has_fewer(report: Report) -> bool:
    """Return whether some rows are compared, but not all."""
    return 0 < report.compared < report.rows


def score_row(score: Score) -> list[str | Cell]:
    """Return the row of one metric."""
    if score.old is None:
        return [score.metric, "", f"{score.new:.4f}", "", "", "", ""]
    chance = "" if score.p is None else f", p = {score.p:.2g}"
    seeds = f"; {over_seeds(score)}" if score.depends_on_seeds else ""
    return [
        score.metric,
        f"{score.old:.4f}",
        f"{score.new:.4f}",
        f"{score.difference:+.4f}",
        direction(score),
        f"{score.low:+.4f} to {score.high:+.4f}",
        f"{score.test}{chance}{seeds}",
    ]


def direction(score: Score) -> Cell:
    """Return the cell that says whether a metric is better or worse."""
    return Cell(reading(score.direction), STYLES.get(score.direction, Style.PLAIN))


def bar(score: Score) -> Cell:
    """Return a metric from 0 to 1 as a bar; others have none."""
    if not score.higher_is_better or not 0 <= score.whole <= 1:
        return Cell("")
    full = round(score.whole * BAR)
    return Cell(f"{'█' * full}{'░' * (BAR - full)}", Style.CODE)


def gate(report: Report) -> Table:
    """Return the checks of the gate."""
    rows: list[list[str | Cell]] = [
        [Cell("passed") if check.passed else Cell("FAILED", Style.FAILED), *worded(check)]
        for check in report.checks
    ]  # fmt: skip
    return Table(("", "what", "must be", "is"), rows)


def segments(report: Report) -> Table:
    """Return each score of each segment."""
    fewer = has_fewer(report)
    head = ["where", "rows", "gated", "metric", "published", "new", *(["all rows"] * fewer), "", ""]
    rows: list[list[str | Cell]] = []
    for segment in report.segments:
        where = [f"{segment.where.column} is {segment.where.value}", str(segment.rows)]
        gated = "yes" if segment.gated else "no"
        for score in segment.scores:
            old = "" if score.old is None else f"{score.old:.4f}"
            whole = [f"{score.whole:.4f}"] * fewer
            numbers = [old, f"{score.new:.4f}", *whole]
            rows.append([*where, gated, score.metric, *numbers, direction(score), bar(score)])
    return Table(head, rows, numbers=True)


def changes(report: Report) -> Table:
    """Return some of the rows that the models answer differently."""
    rows = [
        [str(change.row), shown(change.truth), shown(change.old), shown(change.new),
         ", ".join(f"{name} {shown(value)}" for name, value in change.features.items())]
        for change in (report.changes.shown if report.changes else ())
    ]  # fmt: skip
    return Table(("row", "truth", "published", "new", "features"), rows)


def changed(report: Report) -> Table:
    """Return how many rows of which class the models answer with which two classes."""
    rows = [
        [shown(kind.truth), shown(kind.old), shown(kind.new), str(kind.rows)]
        for kind in (report.changes.kinds if report.changes else ())
    ]
    return Table(("truth", "published", "new", "rows"), rows, numbers=True)


def shown(value: Value | Outcome) -> str:
    """Return a value, or those of several targets, as a cell shows it."""
    if isinstance(value, tuple):
        return ", ".join(map(shown, value))
    return f"{value:.5g}" if isinstance(value, float) else MISSING if value is None else str(value)


def drift(report: Report) -> Table:
    """Return how far each column has moved."""
    rows = [
        [drift.feature, f"{drift.distance:.3f}", f"{drift.p:.2g}", "shifted" * drift.shifted]
        for drift in report.drift
    ]
    return Table(("column", "distance", "p", ""), rows, numbers=True)


def provenance(report: Report) -> Table:
    """Return where both models come from, with shortened hashes."""
    rows = [
        [name, fact(report.old, name), fact(report.new, name)]
        for name in report.new.__struct_fields__
    ]
    return Table(("", "published", "new"), rows)


def fact(model: ModelSummary | None, name: str) -> str:
    """Return one fact about a model, "" if unknown."""
    value = str(getattr(model, name, None) or "")
    return f"{value[:SHOWN]}…" if name in HASHES and len(value) > SHOWN else value
