"""The judgement: a bundle, the published one and the policy in; the report out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from judge import align, gate, suspicion
from judge.align import Ask
from judge.changes import changes
from judge.drift import drift
from judge.errors import Incomparable
from judge.found import Check, Report, Score, Segment, Side
from judge.headline import headline
from judge.paired import compare
from judge.permutation import smallest_drop
from model.bundle import Bundle, Label
from model.evaluation import Evaluation, read
from model.policy import Policy
from model.resample import CONFIDENCE, count
from model.segments import FEW, part, segments

CALM = 1.5  # times the smaller noise: so far may two measurements of one noise differ
FIRST = {"classification": "accuracy", "regression": "mae"}  # shown where no rule names a metric


class Published(NamedTuple):
    """The published model: its bundle, its image's digest, where it was found, and how to ask it.

    `ask` runs it on rows by name and is called only where its recorded answers are to other rows.
    """

    bundle: Bundle
    digest: str
    reference: str
    ask: Ask


class Judgement(NamedTuple):
    """The report, and the answers it rests on: the new rows by both models, the old one's own."""

    report: Report
    new: Evaluation
    old: Evaluation | None
    recorded: Evaluation | None
    classes: list[int | str] | None


def judge(new: Bundle, old: Published | None, policy: Policy, *, absent: str = "") -> Judgement:
    """Judge a new model by its policy and the published model; `absent` says why there is none."""
    fresh = read(new.path)
    before, note, failures = answered(new, old, absent)
    confidence = 1 - (1 - CONFIDENCE) / max(1, comparisons(policy, fresh))
    classes = new.manifest.classes
    noise = seed_noise(new, old)
    scores = measurable(compare(fresh, before, classes, confidence, noise))
    parts = cut(policy, fresh, before, classes, confidence)
    moved = drift(new, old.bundle) if old and before else []
    found = [*failures, *gate.checks(policy, scores, parts, new.manifest)]
    report = Report(
        model=new.manifest.name,
        description=new.manifest.description,
        task=new.manifest.task,
        verdict="failed",
        headline="",
        new=side(new, None),
        old=side(old.bundle, old.digest) if old else None,
        note=note,
        rows=len(fresh.truth),
        confidence=confidence,
        resamples=count(len(fresh.truth)),
        scores=scores,
        segments=parts,
        checks=found,
        warnings=suspicion.warnings(new, old.bundle if old else None, fresh, scores, moved),
        changes=changes(fresh, before) if before else None,
        drift=moved,
    )
    if before and classes is not None:
        least = smallest_drop(report.rows, 1 - confidence)
        report.note += (
            f" {report.rows} rows can tell a drop of accuracy from chance from {least:.3f} on."
        )
    recorded = read(old.bundle.path) if old else None
    return Judgement(settle(report), fresh, before, recorded, classes)


def answered(
    new: Bundle, old: Published | None, absent: str
) -> tuple[Evaluation | None, str, list[Check]]:
    """Return the published model's answers if it can be compared, a note, and a failed check."""
    if old is None:
        return None, f"{absent or 'Nothing is published yet'}: absolute thresholds only.", []
    named = f"Compared with {old.reference}."
    try:
        align.check(new, old.bundle)
        before, note = align.answers(new, old.bundle, old.ask)
    except Incomparable as error:
        note = f"{named} No comparison: {error}."
        rule, found = "comparable with the published model", str(error)
        failed = Check(name="baseline", rule=rule, found=found, passed=False)
        return None, note, [failed] if error.curable else []
    return before, f"{named} {note}", []


def seed_noise(new: Bundle, old: Published | None) -> dict[str, float]:
    """Return what the two models' seeds do to each metric: their root mean square, within limits.

    Two models of one recipe have one noise. A new one that is all noise can't hide behind it: the
    calmer of the two bounds what is granted.
    """
    ours = new.manifest.metrics.seed_noise
    theirs = old.bundle.manifest.metrics.seed_noise if old else {}
    return {name: granted(ours[name], theirs[name]) for name in ours if name in theirs}


def granted(ours: float, theirs: float) -> float:
    return min(math.sqrt((ours**2 + theirs**2) / 2), CALM * min(ours, theirs))


def comparisons(policy: Policy, fresh: Evaluation) -> int:
    """Count the drops that are tested, which share the room for chance among them."""
    tested = len(policy.rules.drops)
    for each in policy.segments:
        groups = segments(fresh.column(each.column)).values()
        tested += len(each.rules.drops) * sum(len(rows) >= each.rows for rows in groups)
    return tested


def cut(
    policy: Policy,
    fresh: Evaluation,
    before: Evaluation | None,
    classes: Sequence[Label] | None,
    confidence: float,
) -> list[Segment]:
    """Score every segment of the columns that have rules, and of those with few categories."""
    rules = {each.column: each for each in policy.segments}
    result = []
    for column in dict.fromkeys([*rules, *categorical(fresh)]):
        rule = rules.get(column)
        wanted = (
            rule.rules.metrics
            if rule
            else [FIRST["regression" if classes is None else "classification"]]
        )
        for value, rows in segments(fresh.column(column)).items():
            after, earlier = part(fresh, rows), before and part(before, rows)
            scores = measurable(compare(after, earlier, classes, confidence))
            result.append(
                Segment(
                    column=column,
                    value=value,
                    rows=len(rows),
                    gated=rule is not None and len(rows) >= rule.rows,
                    scores=[score for score in scores if score.metric in wanted],
                )
            )
    return result


def categorical(fresh: Evaluation) -> list[str]:
    return [
        name
        for name in fresh.features[0]
        if all(isinstance(value, str | None) for value in fresh.column(name))
        and len(set(fresh.column(name))) <= FEW
    ]


def measurable(scores: list[Score]) -> list[Score]:
    """Leave out what does not exist on these rows, such as the ROC area of a single class."""
    return [
        score for score in scores if not math.isnan(score.new) and not math.isnan(score.old or 0)
    ]


def side(bundle: Bundle, digest: str | None) -> Side:
    manifest = bundle.manifest
    return Side(
        version=manifest.version,
        revision=manifest.revision,
        digest=digest,
        estimator=manifest.estimator,
        runtime=manifest.runtime,
        data_sha256=manifest.data.sha256,
        rows=manifest.data.rows,
        holdout_rows=manifest.data.holdout_rows,
    )


def settle(report: Report, reason: str = "") -> Report:
    """Decide by the checks; a `reason` that a person gave accepts a model that fails them."""
    failed = not all(check.passed for check in report.checks)
    report.override = reason or None if failed else None
    report.verdict = "passed" if not failed else "accepted" if reason else "failed"
    return headline(report)
