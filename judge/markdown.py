"""The report as Markdown, for a job summary and a pull request's comment."""

from __future__ import annotations

from collections.abc import Sequence

from judge.found import Change, Report, Score, Segment, Side
from judge.gate import over_seeds
from judge.headline import BECAUSE
from judge.paired import arrow
from judge.words import plain, quoted
from model.bundle import Value

BAR = 20
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
        parts.append(folded("Segments", segments(report.segments)))
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
    head = [
        "metric",
        "published",
        "new",
        "difference",
        f"{report.confidence:.1%} interval",
        "test",
        "",
    ]
    return table(*with_every_row(report, head, list(map(score_row, report.scores))))


def with_every_row(
    report: Report, head: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[list[str], list[list[str]]]:
    """Add what the new model does on every row, where fewer are compared."""
    if report.compared == report.rows:
        return list(head), list(map(list, rows))
    whole = [f"{score.whole:.4f}" for score in report.scores]
    lines = [[*row[:-1], value, row[-1]] for row, value in zip(rows, whole, strict=True)]
    return [*head[:-1], f"new, all {report.rows} rows", head[-1]], lines


def score_row(score: Score) -> tuple[str, ...]:
    if score.old is None:
        return (score.metric, "", f"{score.new:.4f}", "", "", "", "")
    chance = "" if score.p is None else f", p = {score.p:.2g}"
    chance += f"; {over_seeds(score)}" if score.averaged is not None else ""
    return (
        score.metric,
        f"{score.old:.4f}",
        f"{score.new:.4f}",
        f"{score.difference:+.4f}",
        f"{score.low:+.4f} to {score.high:+.4f}",
        f"{score.test}{chance}",
        f"{arrow(score.direction)} {score.direction}",
    )


def bar(score: Score) -> str:
    """Draw a share as text; other numbers have no natural length."""
    if not score.higher_is_better or not 0 <= score.new <= 1:
        return ""
    full = round(score.new * BAR)
    return f"`{'█' * full}{'░' * (BAR - full)}`"


def gate(report: Report) -> str:
    rows = [
        ("passed" if check.passed else "**FAILED**", plain(check.name), plain(check.rule),
         plain(check.found))
        for check in report.checks
    ]  # fmt: skip
    reason = f"\n\nAccepted all the same, because: {quoted(report.override or '')}"
    return table(("", "what", "must be", "is"), rows) + (reason if report.override else "")


def segments(found: list[Segment]) -> str:
    rows = []
    for segment in found:
        for score in segment.scores:
            old = "" if score.old is None else f"{score.old:.4f}"
            gated = "yes" if segment.gated else "no"
            where = plain(f"{segment.column} is {segment.value}")
            rows.append((where, str(segment.rows), score.metric, old, f"{score.new:.4f}",
                         arrow(score.direction), bar(score), gated))  # fmt: skip
    return table(("where", "rows", "metric", "published", "new", "", "", "gated"), rows)


def changed(report: Report) -> str:
    found = report.changes
    if found is None:
        return ""
    return (
        f"{found.count} of {report.rows} predictions changed: "
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
    rows = [
        (
            plain(each.feature),
            f"{each.distance:.3f}",
            f"{each.p:.2g}",
            "**shifted**" if each.shifted else "",
        )
        for each in report.drift
    ]
    return table(("column", "distance", "p", ""), rows)


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
    return f"{value:.5g}" if isinstance(value, float) else "" if value is None else str(value)


def folded(title: str, content: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{content}\n\n</details>"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
