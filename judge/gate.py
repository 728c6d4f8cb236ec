"""Check the rules of model.toml."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import asdict

from contract.bundle import Check as Recorded
from contract.bundle import Manifest, Where
from contract.spec.gate import Policy, Rules
from judge.report import BoundCheck, Check, DropCheck, ParityCheck, Score, Segment


def checks(
    policy: Policy,
    scores: list[Score],
    segments: list[Segment],
    manifest: Manifest,
    droppable: Collection[str] = (),
) -> list[Check]:
    """Return every check of the gate on the model itself, in the order of model.toml.

    `droppable` names the metrics whose drop since the published model has to be measured; it is
    empty where the two models are not compared.
    """
    result = check_rules(policy.rules, scores, None, droppable)
    rules = {segment.column: segment.rules for segment in policy.segments}
    for segment in segments:
        if segment.gated:
            result += check_rules(rules[segment.where.column], segment.scores, segment.where)
    return [*result, *check_recorded(policy, manifest), check_parity(manifest)]


def check_rules(
    rules: Rules, scores: list[Score], where: Where | None, droppable: Collection[str] = ()
) -> list[Check]:
    """Check the bounds and the drops of metrics, on all rows or `where` a segment is.

    A metric that does not exist fails, for nothing says that its rule is met; in a segment it may
    well not exist (rows of one class have no ROC curve), and is not checked.
    """
    by_name = {score.metric: score for score in scores}
    result: list[Check] = []
    for bound in rules.bounds:
        score = by_name.get(bound.metric)
        if score or not where:
            result.append(held(bound.check(score.whole if score else None), where))
    for metric, allowed in rules.drops.items():
        score = by_name.get(metric)
        is_measured = score is not None and score.old is not None
        if is_measured or (not where and (score is None or metric in droppable)):
            result.append(check_drop(metric, allowed, score, where))
    return result


def held(check: Recorded, where: Where | None = None) -> BoundCheck:
    """Return a check of a threshold as one of the report."""
    return BoundCheck(**asdict(check), where=where)


def check_recorded(policy: Policy, manifest: Manifest) -> list[BoundCheck]:
    """Return the failed checks of the training whose rules are no longer in model.toml."""
    known = {bound.metric for bound in policy.rules.bounds}
    return [
        held(check)
        for check in manifest.gate.recorded
        if not check.passed and check.metric not in known
    ]


def check_drop(metric: str, allowed: float, score: Score | None, where: Where | None) -> DropCheck:
    """Fail a drop that is both larger than allowed and more than chance, or not measured."""
    passed = (
        score is not None
        and score.old is not None
        and (score.drop <= allowed or score.direction != "worse")
    )
    return DropCheck(metric=metric, where=where, allowed=allowed, score=score, passed=passed)


def check_parity(manifest: Manifest) -> ParityCheck:
    """Check that the served model equals the estimator, as its training compared them."""
    parity = manifest.parity
    passed = manifest.runtime != "onnx" or (parity is not None and parity.is_equal)
    return ParityCheck(runtime=manifest.runtime, parity=parity, passed=passed)
