"""Judge a bundle by its policy and the published model, and return the report."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from contract.bundle import Bundle, Input, Where
from contract.evaluation.bootstrap import CONFIDENCE, count
from contract.evaluation.evaluation import Evaluation, read
from contract.evaluation.metrics import SHOWN
from contract.evaluation.own_metrics import Answer, complete, unanswered
from contract.evaluation.record import Record
from contract.evaluation.segments import categorical, segments
from contract.spec.gate import Policy
from judge import acceptance, gate
from judge.comparison import compared_answers
from judge.comparison.changed_predictions import changes
from judge.comparison.compared_answers import Ask, ComparedAnswers
from judge.comparison.data_drift import InputDistributions, drift, input_distributions
from judge.comparison.eligible_rows import Incomparable
from judge.comparison.permutation_test import smallest_drop
from judge.comparison.scoring import Scorer
from judge.comparison.seed_variance import seeds
from judge.report import BaselineCheck, ModelSummary, Report, Score, Segment
from judge.warnings import unlucky, warnings


class PublishedModel(NamedTuple):
    """The published model: its bundle, its image's digest and reference, and a function to ask it.

    `ask` runs it on rows by name and is called only where its recorded answers are to other rows,
    or where none are kept: `record` is None then, and `unrecorded` says why.
    """

    bundle: Bundle
    digest: str
    reference: str
    ask: Ask
    record: Record | None = None
    unrecorded: str = ""


class Judgement(NamedTuple):
    """The report, and the answers it rests on.

    `compared` and `old` are both models' answers to the same rows; `fresh` is the new one's to its
    own holdout. `distributions` are those of its inputs, and of the published model's if it is
    known.
    """

    report: Report
    fresh: Evaluation
    compared: Evaluation
    old: Evaluation | None
    distributions: list[InputDistributions]
    classes: list[int | str] | None


def judge(  # noqa: PLR0913 - two models, the rules, and what may be asked for more
    new: Bundle,
    old: PublishedModel | None,
    policy: Policy,
    *,
    absent: str = "",
    fresh: Evaluation | None = None,
    answer: Answer = unanswered,
) -> Judgement:
    """Judge a new model by its policy and the published model; `absent` says why there is none.

    `fresh` is its evaluation, by default what lies beside its bundle; `answer` has its own metrics
    score what they have not scored yet.
    """
    fresh, classes = fresh or read(new), new.manifest.classes
    if fresh.own:
        fresh.own.bounds = policy.own_bounds
    before, note, failures = answered(new, fresh, old, absent)
    confidence = 1 - (1 - CONFIDENCE) / max(1, comparisons(policy, fresh))
    scorer = Scorer(fresh, before, classes, confidence, seeds(new, old.bundle if old else None))
    everyone = range(len(fresh.truth))

    def score_all() -> tuple[list[Score], list[Segment]]:
        """Return the scores of all rows, and those of the segments."""
        of_segments = score_segments(policy, fresh, scorer, new.manifest.inputs)
        return gated_first(scorer(everyone), policy), of_segments

    scores, segments_scored = complete(fresh.own, score_all, answer)
    drifted = drift(new, fresh, old.bundle, old.record) if old and before else []
    required = droppable(old, before, enough=scorer.shared(everyone) is not None)
    checks = [*failures, *gate.checks(policy, scores, segments_scored, new.manifest, required)]
    warned = warnings(new, old.bundle if old else None, fresh, scores, drifted)
    warned += unlucky(scores, policy.rules.drops)
    warned += [before.chosen.warning] if before and before.chosen.warning else []
    version = old.bundle.manifest.version if old else None
    verdict, accepted = acceptance.decide(checks, policy.accepted, version)
    warned += acceptance.warnings(checks, policy.accepted, version, new.manifest.name)
    report = Report(
        model=new.manifest.name,
        description=new.manifest.description,
        task=new.manifest.task,
        verdict=verdict,
        accepted=accepted,
        new=summary(new, None, None),
        old=summary(old.bundle, old.digest, old.reference) if old else None,
        note=note,
        rows=len(fresh.truth),
        compared=len(before.new.truth) if before else 0,
        confidence=confidence,
        resamples=count(len(fresh.truth)),
        scores=scores,
        segments=segments_scored,
        checks=checks,
        warnings=warned,
        changes=(
            changes(before.new, before.old, with_rows=new.manifest.privacy.report == "rows")
            if before
            else None
        ),
        drift=drifted,
    )
    if before and classes is not None and before.chosen.conclusive and fresh.weights is None:
        least = smallest_drop(report.compared, 1 - confidence)
        report.note += (
            f" On {report.compared} rows, a drop of accuracy of {least:.3f} or more can be told "
            "from chance."
        )
    inputs = input_distributions(new, fresh, old.record if old else None)
    compared, earlier = (before.new, before.old) if before else (fresh, None)
    return Judgement(report, fresh, compared, earlier, inputs, classes)


def gated_first(scores: list[Score], policy: Policy) -> list[Score]:
    """Return the scores in the order of the gate, then the others: the first is the headline."""
    order = policy.rules.metrics
    return sorted(scores, key=lambda score: (*order, score.metric).index(score.metric))


def answered(
    new: Bundle, fresh: Evaluation, old: PublishedModel | None, absent: str
) -> tuple[ComparedAnswers | None, str, list[BaselineCheck]]:
    """Return the published model's answers if it can be compared, a note, and a failed check."""
    if old is None:
        return None, f"{absent or 'Nothing is published yet'}: absolute thresholds only.", []
    named = f"Compared with {old.reference}."
    try:
        compared_answers.check_same_target(new, old.bundle)
        before = compared_answers.answers(new, fresh, old.bundle, old.record, old.ask)
    except Incomparable as error:
        note = f"{named} No comparison: {error}."
        failed = BaselineCheck(reason=str(error), passed=False)
        return None, note, [failed] if error.curable else []
    return before, f"{named} {before.note}{old.unrecorded and f' ({old.unrecorded}.)'}", []


def droppable(
    old: PublishedModel | None, before: ComparedAnswers | None, *, enough: bool
) -> Collection[str] | None:
    """Return the metrics whose drop the comparison must show; None if there is no comparison.

    It must show none where not `enough` rows are compared, or too few are new to both models.
    """
    if not (old and before):
        return None
    return old.bundle.manifest.metrics.holdout if enough and before.chosen.conclusive else ()


def comparisons(policy: Policy, fresh: Evaluation) -> int:
    """Count the differences that are tested.

    They share the chance of an error: the Bonferroni correction (Dunn 1961).
    """
    tested = len(policy.rules.drops)
    for segment in policy.segments:
        groups = segments(fresh.column(segment.column)).values()
        tested += len(segment.rules.drops) * sum(len(rows) >= segment.rows for rows in groups)
    return tested


def score_segments(
    policy: Policy, fresh: Evaluation, scorer: Scorer, inputs: Sequence[Input]
) -> list[Segment]:
    """Return the scores of the segments of columns with rules, and of those with few categories."""
    rules = {segment.column: segment for segment in policy.segments}
    shown = SHOWN["regression" if scorer.classes is None else "classification"]
    result = []
    for column in dict.fromkeys([*rules, *categorical(fresh, inputs)]):
        rule = rules.get(column)
        wanted = rule.rules.metrics if rule else [shown]
        for value, rows in segments(fresh.column(column)).items():
            where = Where(column, value)
            result.append(
                Segment(
                    where=where,
                    rows=len(rows),
                    gated=rule is not None and len(rows) >= rule.rows,
                    scores=scorer(rows, where, wanted),
                )
            )
    return result


def summary(bundle: Bundle, digest: str | None, reference: str | None) -> ModelSummary:
    """Return what the report says about one of the two models."""
    manifest = bundle.manifest
    return ModelSummary(
        version=manifest.version,
        revision=manifest.revision,
        digest=digest,
        reference=reference,
        estimator=manifest.estimator,
        runtime=manifest.runtime,
        data_sha256=manifest.data.sha256,
        rows=manifest.data.rows,
        holdout_rows=manifest.data.holdout_rows,
    )
