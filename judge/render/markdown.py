"""The report as Markdown, for a job summary and a pull request's comment."""

from __future__ import annotations

from collections.abc import Sequence

from contract.bundle import Value
from contract.evaluation.segments import MISSING
from contract.markdown import plain, quoted
from judge.comparison.paired import reading
from judge.gate import depends_on_seeds, over_seeds
from judge.headline import BECAUSE
from judge.report import Change, Report, Score, Side

BAR = 20
MOVED = ("column", "distance", "p", "")
CHANGED = ("row", "truth", "published", "new", "features")


def markdown(report: Report) -> str:
    """Return the verdict, one table, and the details folded."""
    parts = [
        f"### {first_line(report)}",
        *(f"> [!WARNING]\n> {plain(warning)}" for warning in report.warnings),
        scores(report),
        plain(report.note),
        folded("Gate", gate(report)),
    ]
    if report.segments:
        parts.append(folded("Segments", segments(report)))
    if report.changes and report.changes.count:
        parts.append(folded(changed(report), changes(report.changes.shown)))
    if report.drift:
        parts.append(folded("Data against the published model's", drift(report)))
    parts.append(folded("Provenance", provenance(report)))
    return "\n\n".join(part for part in parts if part) + "\n"


def first_line(report: Report) -> str:
    """Return the headline; the reason that a person gave is quoted in it."""
    words, because, _ = report.headline.partition(BECAUSE)
    return plain(words) + (because + quoted(report.override) if report.override else "")


def scores(report: Report) -> str:
    if not any(score.old is not None for score in report.scores):
        rows = [
            (score.metric, f"{score.new:.4f}", f"{score.new_low:.3f} to {score.new_high:.3f}",
             bar(score)) for score in report.scores
        ]  # fmt: skip
        return table(("metric", "new", "95 % interval", ""), rows)
    return table(*score_table(report))


def score_table(report: Report) -> tuple[list[str], list[list[str]]]:
    """Return the head and the rows of the comparison; all rows have a column where fewer count."""
    head = ["metric", "published", "new", "difference", "",
            f"{report.confidence:.1%} interval", "test"]  # fmt: skip
    rows = [list(score_row(score)) for score in report.scores]
    if 0 < report.compared < report.rows:
        head.insert(3, f"new, all {report.rows} rows")
        for row, score in zip(rows, report.scores, strict=True):
            row.insert(3, f"{score.whole:.4f}")
    return head, rows


def score_row(score: Score) -> tuple[str, ...]:
    if score.old is None:
        return (score.metric, "", f"{score.new:.4f}", "", "", "", "")
    chance = "" if score.p is None else f", p = {score.p:.2g}"
    seeds = f"; {over_seeds(score)}" if depends_on_seeds(score) else ""
    return (
        score.metric,
        f"{score.old:.4f}",
        f"{score.new:.4f}",
        f"{score.difference:+.4f}",
        reading(score.direction),
        f"{score.low:+.4f} to {score.high:+.4f}",
        f"{score.test}{chance}{seeds}",
    )


def bar(score: Score) -> str:
    """Draw a share as text; other numbers have no natural length."""
    if not score.higher_is_better or not 0 <= score.whole <= 1:
        return ""
    full = round(score.whole * BAR)
    return f"`{'█' * full}{'░' * (BAR - full)}`"


def gate(report: Report) -> str:
    rows = [
        ("passed" if check.passed else "**FAILED**", plain(check.name), plain(check.rule),
         plain(check.found))
        for check in report.checks
    ]  # fmt: skip
    reason = f"\n\nAccepted all the same, because: {quoted(report.override or '')}"
    return table(("", "what", "must be", "is"), rows) + (reason if report.override else "")


def segments(report: Report) -> str:
    head, rows = segment_table(report)
    return table(head, [[*map(plain, row), bar(score)] for row, score in rows])


def segment_table(report: Report) -> tuple[list[str], list[tuple[list[str], Score]]]:
    """Return the head and, for each score of a segment, its cells; the last column is a bar's."""
    fewer = 0 < report.compared < report.rows
    head = ["where", "rows", "gated", "metric", "published", "new", *(["all rows"] * fewer), "", ""]
    rows = []
    for segment in report.segments:
        for score in segment.scores:
            where = [f"{segment.column} is {segment.value}", str(segment.rows)]
            gated = "yes" if segment.gated else "no"
            old = "" if score.old is None else f"{score.old:.4f}"
            whole = [f"{score.whole:.4f}"] * fewer
            numbers = [old, f"{score.new:.4f}", *whole, reading(score.direction)]
            rows.append(([*where, gated, score.metric, *numbers], score))
    return head, rows


def changed(report: Report) -> str:
    found = report.changes
    if found is None:
        return ""
    return (
        f"{found.count} of {report.compared} predictions changed: "
        f"{found.better} for the better, {found.worse} for the worse"
    )


def changes(shown: list[Change]) -> str:
    rows = [[plain(cell) for cell in change_row(change)] for change in shown]
    return table(CHANGED, rows)


def change_row(change: Change) -> tuple[str, ...]:
    features = ", ".join(f"{name} {cell(value)}" for name, value in change.features.items())
    labels = (cell(change.truth), cell(change.old), cell(change.new))
    return (str(change.row), *labels, features)


def drift(report: Report) -> str:
    return table(MOVED, [[plain(cell) for cell in row] for row in drift_rows(report)])


def drift_rows(report: Report) -> list[tuple[str, ...]]:
    return [
        (each.feature, f"{each.distance:.3f}", f"{each.p:.2g}", "shifted" if each.shifted else "")
        for each in report.drift
    ]


def provenance(report: Report) -> str:
    rows = [[plain(cell) for cell in row] for row in sides(report)]
    return table(("", "published", "new"), rows)


def sides(report: Report) -> list[tuple[str, str, str]]:
    """Return what is known of where both models come from; hashes by their beginning."""
    return [
        (name, fact(report.old, name), fact(report.new, name))
        for name in report.new.__struct_fields__
    ]


def fact(side: Side | None, name: str) -> str:
    value = str(getattr(side, name, None) or "")
    return f"{value[:19]}…" if name in ("digest", "data_sha256", "revision") and value else value


def cell(value: Value) -> str:
    return f"{value:.5g}" if isinstance(value, float) else MISSING if value is None else str(value)


def folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
