"""What people read of a report in sentences: its verdict, and each check of the gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from contract.bundle import PARITY_TOLERANCE, Acceptance
from contract.console import one_line
from judge.report import (
    BaselineCheck,
    BoundCheck,
    Check,
    Direction,
    DropCheck,
    ImageCheck,
    ParityCheck,
    Report,
    Score,
    Verdict,
    called,
)

NEITHER = "no better or worse, beyond chance, than"
SIGNS: dict[Verdict, str] = {"passed": "✅", "failed": "❌", "accepted": "⚠️"}
FIGURES = {"size": "image size, MB", "latency": "latency of one row, ms"}
ABSENT, UNCOMPARED = "does not exist in this segment", "not compared in this segment"
JUDGED = {
    "worse": "more than chance",
    "better": "better beyond chance",
    "same": "no more than chance",
    "unknown": "not judged, for too few rows are new to the published model",
}


class Wording(NamedTuple):
    """A check in words: what is checked, what it must be, and what it is."""

    what: str
    rule: str
    found: str


def headline(report: Report) -> str:
    """Return the one line that says what became of the model and why."""
    because = "".join(f"; {one_line(accepted(line))}" for line in report.accepted)
    return f"{sign(report)} {report.model}: {report.verdict}: {reason(report)}{because}"


def accepted(line: Acceptance) -> str:
    """Return who accepts what, and why."""
    return f"{line.what} accepted by {line.who}, because: {line.reason}"


def sign(report: Report) -> str:
    """Return the verdict at a glance."""
    return SIGNS[report.verdict]


def reason(report: Report) -> str:
    """Return why the verdict is what it is, without who accepted it."""
    failed = [worded(check) for check in report.checks if not check.passed]
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        return f"{failed[0].what} must be {failed[0].rule}, is {failed[0].found}{more}"
    first = next(iter(report.scores), None)
    score = f"{first.metric} {first.new:.4g}" if first else "no scores"
    if report.old is None or report.changes is None:
        return f"{score}, with nothing to compare it with"
    if report.changes.count == 0:
        return f"{score}, the same answers as the published model"
    return f"{score}, {compared(report.scores)} the published model"


def changed(report: Report) -> str:
    """Return how many of the compared rows are answered differently, and which way."""
    if report.changes is None:
        return "no row was compared"
    return (
        f"{report.changes.count} of {report.compared} predictions changed: "
        f"{report.changes.better} for the better, {report.changes.worse} for the worse"
    )


def compared(scores: Sequence[Score]) -> str:
    """Say in which metrics a model is better or worse than another, up to the other's name."""
    if any(score.direction == "unknown" for score in scores):
        return "with too few rows that are new to it to be compared with"
    better = ", ".join(score.metric for score in scores if score.direction == "better")
    worse = ", ".join(score.metric for score in scores if score.direction == "worse")
    if better and worse:
        return f"better in {better} but worse in {worse} than"
    if better:
        return f"better in {better} than"
    return f"worse in {worse}, within what is allowed, than" if worse else NEITHER


def worded(check: Check | ImageCheck) -> Wording:
    """Return a check in words."""
    match check:
        case BoundCheck():
            is_absent = check.passed and check.value is None
            measured = ABSENT if is_absent else check.measured
            return Wording(called(check.metric, check.where), check.rule, measured)
        case DropCheck():
            return Wording(called(check.metric, check.where), *drop(check))
        case BaselineCheck():
            return Wording("baseline", "comparable with the published model", check.reason)
        case ParityCheck():
            return Wording("parity", *parity(check))
        case ImageCheck():
            times = f"{check.old:.3g} → {check.new:.3g}: {check.new / check.old:.2f} times"
            rule = f"at most {check.allowed:g} times the published image's"
            return Wording(FIGURES[check.figure], rule, times)


def drop(check: DropCheck) -> tuple[str, str]:
    """Return what a drop must be, and what it is."""
    if not check.passed and (check.score is None or check.score.old is None):
        rows = "the rows that both models answer" if check.score else "the holdout"
        return f"measured on {rows}", "none"
    rule = f"at most {check.allowed:g} worse than the published model, beyond chance"
    if check.score is None:
        return rule, ABSENT
    if check.score.old is None:
        return rule, UNCOMPARED if check.where else "nothing of the published model to compare with"
    return rule, difference(check.score)


def difference(score: Score) -> str:
    """`0.9767 → 0.9419: -0.0349 (-0.081 to +0.012), McNemar, exact p = 0.25: no more than chance`.

    Averaged over the seeds as well, where that is another difference.
    """
    chance = "" if score.p is None else f" p = {score.p:.2g}"
    seeds = f", {over_seeds(score)}" if score.depends_on_seeds else ""
    return (
        f"{score.old:.4g} → {score.new:.4g}: {score.difference:+.4g} "
        f"({score.low:+.3g} to {score.high:+.3g}), {score.test}{chance}{seeds}: "
        f"{JUDGED[score.direction or 'same']}"
    )


def over_seeds(score: Score) -> str:
    """`averaged over seeds -0.02 (-0.03 to -0.01)`."""
    return (
        f"averaged over seeds {score.averaged:+.3g} "
        f"({score.averaged_low:+.3g} to {score.averaged_high:+.3g})"
    )


def parity(check: ParityCheck) -> tuple[str, str]:
    """Return how the exported model must equal the estimator, and how far it does."""
    if check.runtime != "onnx":
        return "equal to the estimator", "served by the estimator itself"
    rule = f"0 labels, {PARITY_TOLERANCE:g}, as its training compared them"
    if check.parity is None:
        return rule, "not compared"
    return rule, (
        f"{check.parity.label_mismatches} of {check.parity.rows} labels differ, "
        f"numbers by at most {check.parity.max_difference:g}"
    )


def arrow(direction: Direction | None) -> str:
    """Return the sign of a direction."""
    return {"better": "▲", "worse": "▼", "same": "=", "unknown": "?", None: ""}[direction]


def reading(direction: Direction | None) -> str:
    """Return a direction in words, with its sign."""
    words = {"same": "within chance", "unknown": "not judged"}
    return f"{arrow(direction)} {words.get(direction, direction)}" if direction else ""
