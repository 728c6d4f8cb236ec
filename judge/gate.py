"""Check a model against the rules of [gate] in model.toml, and describe each result."""

from __future__ import annotations

from collections.abc import Collection

from msgspec.structs import asdict

from contract.bundle import Check as ThresholdResult
from contract.bundle import Manifest, Where
from contract.spec.gate import Policy, Rules, Threshold
from judge.report import BoundCheck, Check, DropCheck, ParityCheck, Score, Segment


def checks(
    policy: Policy,
    scores: list[Score],
    segments: list[Segment],
    manifest: Manifest,
    droppable: Collection[str] | None = None,
) -> list[Check]:
    """Return every check of the gate on the model itself, in the order of model.toml.

    `droppable` names the metrics whose drop since the published model has to be measured; it is
    None where the two models are not compared.
    """
    result = check_rules(policy.rules, scores, None, droppable)
    rules = {segment.column: segment.rules for segment in policy.segments}
    for segment in segments:
        if segment.gated:
            where = segment.where
            result += check_rules(rules[where.column], segment.scores, where, droppable)
    return [*result, *check_recorded(policy, manifest), check_parity(manifest)]


def check_rules(
    rules: Rules,
    scores: list[Score],
    where: Where | None,
    droppable: Collection[str] | None = None,
) -> list[Check]:
    """Check the bounds and the drops of metrics, on all rows or `where` a segment is.

    A metric that does not exist fails, for nothing says that its rule is met; in a segment it may
    well not exist (rows of one class have no ROC curve), and its check passes without a value.
    """
    by_name = {score.metric: score for score in scores}
    bounds = [check_bound(bound, by_name.get(bound.metric), where) for bound in rules.bounds]
    drops = [
        check_drop(metric, allowed, score, where, droppable or ())
        for metric, allowed in rules.drops.items()
        for score in [by_name.get(metric)]
        if droppable is not None or (score is None and where is None)
    ]
    return [*bounds, *drops]


def check_bound(bound: Threshold, score: Score | None, where: Where | None) -> BoundCheck:
    """Hold a metric to its threshold; one that a segment does not have is held to none."""
    check = bound.check(score.whole if score else None)
    check.passed = check.passed or (score is None and where is not None)
    return reported(check, where)


def reported(check: ThresholdResult, where: Where | None = None) -> BoundCheck:
    """Return a check of a threshold as one of the report."""
    return BoundCheck(**asdict(check), where=where)


def check_recorded(policy: Policy, manifest: Manifest) -> list[BoundCheck]:
    """Return the failed checks of the training whose rules are no longer in model.toml."""
    known = {bound.metric for bound in policy.rules.bounds}
    return [
        reported(check)
        for check in manifest.gate.checks
        if not check.passed and check.metric not in known
    ]


def check_drop(
    metric: str,
    allowed: float,
    score: Score | None,
    where: Where | None,
    droppable: Collection[str],
) -> DropCheck:
    """Fail a drop that is both larger than allowed and more than chance.

    One that is not measured fails where the metric does not exist on the holdout, or is
    `droppable`; in a segment it passes.
    """
    if score is None or score.old is None:
        passed = where is not None or (score is not None and metric not in droppable)
    else:
        passed = score.drop <= allowed or score.direction != "worse"
    return DropCheck(metric=metric, where=where, allowed=allowed, score=score, passed=passed)


def check_parity(manifest: Manifest) -> ParityCheck:
    """Check that the served model equals the estimator, as its training compared them."""
    parity = manifest.parity
    passed = manifest.runtime != "onnx" or (parity is not None and parity.is_equal)
    return ParityCheck(runtime=manifest.runtime, parity=parity, passed=passed)
