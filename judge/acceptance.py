"""Which failed checks a person accepts: a comparison, down to a value, while its version is there.

A threshold is no comparison: whoever accepts that it is missed changes it where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import NamedTuple

from contract.bundle import Acceptance
from contract.spec import acceptances
from judge.report import BaselineCheck, Check, DropCheck, ImageCheck, Report, Verdict, called

IMAGE = "image "  # and the figure
DIGITS = 4  # of a value that is written
SLACK = 1.25  # of a latency, which no two runs measure alike


class Compared(NamedTuple):
    """A failed comparison as [accept] names it, with its value if it has one."""

    what: str
    value: float | None
    higher_is_better: bool = False

    def is_within(self, limit: float | None) -> bool:
        """Return whether the value is `limit` or better; what has no value is within no value."""
        if self.value is None or limit is None:
            return self.value is None
        return self.value >= limit if self.higher_is_better else self.value <= limit

    @property
    def limit(self) -> float | None:
        """The value, rounded to what is no better, to be written down."""
        if self.value is None:
            return None
        rounding = ROUND_FLOOR if self.higher_is_better else ROUND_CEILING
        slack = SLACK if self.what == f"{IMAGE}latency" else 1
        return float(Context(DIGITS, rounding).create_decimal(Decimal(self.value * slack)))


def compared(check: Check | ImageCheck) -> Compared | None:
    """Return what [accept] may accept of a check; None of one that compares with no other model."""
    match check:
        case DropCheck(score=None):
            return None
        case DropCheck(score=score) if score is not None:
            value = None if score.old is None else score.new
            return Compared(called(check.metric, check.where), value, score.higher_is_better)
        case ImageCheck():
            return Compared(f"{IMAGE}{check.figure}", check.new / check.old)
        case BaselineCheck():
            return Compared("baseline", None)
    return None


def accepting(
    check: Check | ImageCheck, accepted: Iterable[Acceptance], version: str | None
) -> Acceptance | None:
    """Return what accepts a failed check, None where nothing does.

    `version` is that of the published model that the check compares with.
    """
    drop = compared(check)
    if drop is None or version is None:
        return None
    ours = (line for line in accepted if (line.what, line.replaces) == (drop.what, version))
    return next((line for line in ours if drop.is_within(line.value)), None)


def decide(
    checks: Sequence[Check | ImageCheck], accepted: Iterable[Acceptance], version: str | None
) -> tuple[Verdict, list[Acceptance]]:
    """Return the verdict of these checks, and what of `accepted` it rests on."""
    failed = [check for check in checks if not check.passed]
    lines = [line for check in failed if (line := accepting(check, accepted, version))]
    if len(lines) < len(failed):
        return "failed", []
    return "accepted" if failed else "passed", lines


def warnings(
    checks: Sequence[Check], accepted: Iterable[Acceptance], version: str | None, model: str
) -> list[str]:
    """Return a warning for each acceptance that accepts nothing, or too little, with its cure.

    Those of an image are left to who measures it, unless their version is replaced.
    """
    failed = {drop.what: drop for check in checks if not check.passed and (drop := compared(check))}
    cure = f"Remove it: make accept MODEL={model}"
    concerns = []
    for line in accepted:
        what = f"[accept] in model.toml accepts {line.what} in place of {line.replaces}"
        if line.replaces != version:
            now = f"{version or 'nothing'} is published"
            concerns.append(f"{what}, and {now}: it accepts nothing. {cure}")
        elif line.what in failed and not failed[line.what].is_within(line.value):
            concerns.append(f"{what} at {line.value}, and it is {failed[line.what].value} now.")
        elif line.what not in failed and not line.what.startswith(IMAGE):
            concerns.append(f"{what}, which the gate does not refuse. {cure}")
    return concerns


def needed(
    checks: Iterable[Check | ImageCheck], version: str | None, reason: str, who: str
) -> list[Acceptance]:
    """Return what would accept every failed check; nothing where one cannot be accepted."""
    drops = [compared(check) for check in checks if not check.passed]
    if version is None or None in drops:
        return []
    return [
        Acceptance(what=drop.what, value=drop.limit, reason=reason, who=who, replaces=version)
        for drop in drops
        if drop
    ]


def pasted(report: Report) -> str:
    """Return the lines that would accept what a report refuses, "" where none would."""
    version = report.old.version if report.old else None
    lines = needed(report.checks, version, "…", "…") if report.verdict == "failed" else []
    return acceptances.written("", {line.what: values(line) for line in lines}).strip()


def values(line: Acceptance) -> dict[str, str | float | None]:
    """Return what model.toml says of an acceptance, by its keys."""
    return {"value": line.value, "reason": line.reason, "who": line.who, "replaces": line.replaces}
