"""The verdict in one line."""

from __future__ import annotations

from contract.markdown import one_line
from judge.report import Report

BECAUSE = "; accepted because: "
SIGNS = {"passed": "✅", "failed": "❌", "accepted": "⚠️"}


def headline(report: Report) -> Report:
    """Write the one line that says what became of the model and why."""
    report.headline = f"{SIGNS[report.verdict]} {report.model}: {report.verdict}: {reason(report)}"
    return report


def reason(report: Report) -> str:
    failed = [check for check in report.checks if not check.passed]
    if failed:
        first = f"{failed[0].name} must be {failed[0].rule}, is {failed[0].found}"
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        accepted = f"{BECAUSE}{one_line(report.override)}" if report.override else ""
        return first + more + accepted
    if report.old is None or report.changes is None:
        return f"{first_score(report)}, with nothing to compare it with"
    if report.changes.count == 0:
        return f"{first_score(report)}, the same answers as the published model"
    return f"{first_score(report)}, {compared(report)} the published model"


def first_score(report: Report) -> str:
    score = report.scores[0]
    return f"{score.metric} {score.new:.4g}"


def compared(report: Report) -> str:
    if any(score.direction == "unknown" for score in report.scores):
        return "with too few rows that are new to it to be compared with"
    better = [score.metric for score in report.scores if score.direction == "better"]
    worse = [score.metric for score in report.scores if score.direction == "worse"]
    if better and worse:
        return f"better in {', '.join(better)} but worse in {', '.join(worse)} than"
    if better:
        return f"better in {', '.join(better)} than"
    if worse:
        return f"worse in {', '.join(worse)}, within what is allowed, than"
    return "no better or worse, beyond chance, than"
