"""Check a model against the rules of [gate] in model.toml, and describe each result."""

from __future__ import annotations

from collections.abc import Collection

from contract.bundle import PARITY_TOLERANCE, Manifest
from contract.bundle import Check as Recorded
from contract.evaluation.segments import called
from contract.spec.gate import Policy, Rules
from judge.comparison.paired import SMALLEST, fallen
from judge.report import Check, Score, Segment


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
    result = check_rules(policy.rules, scores, "", droppable)
    rules = {segment.column: segment.rules for segment in policy.segments}
    for segment in segments:
        if segment.gated:
            where = called("", segment.column, segment.value)
            result += check_rules(rules[segment.column], segment.scores, where)
    return [*result, *check_recorded(policy, manifest), check_parity(manifest)]


def check_rules(
    rules: Rules, scores: list[Score], where: str, droppable: Collection[str] = ()
) -> list[Check]:
    """Check the bounds and the drops of metrics, on all rows or `where` a segment is.

    A metric that does not exist fails its rule. In a segment it is not checked instead, since
    rows of one class, for example, have no ROC curve.
    """
    by_name = {score.metric: score for score in scores}
    result = []
    for bound in rules.bounds:
        score = by_name.get(bound.metric)
        if score or not where:
            result.append(told(bound.check(score.whole if score else None), where))
    for metric, allowed in rules.drops.items():
        score = by_name.get(metric)
        if score and score.old is not None:
            result.append(check_drop(score, allowed, where))
        elif not where and (score is None or metric in droppable):
            rows = "the rows that both models answer" if score else "the holdout"
            result.append(
                Check(name=metric, rule=f"measured on {rows}", found="none", passed=False)
            )
    return result


def told(check: Recorded, where: str = "") -> Check:
    """Return a check of the training as one of the report."""
    return Check(
        name=check.metric + where, rule=check.rule, found=check.measured, passed=check.passed
    )


def check_recorded(policy: Policy, manifest: Manifest) -> list[Check]:
    """Return the failed checks of the training whose rules are no longer in model.toml."""
    known = {bound.metric for bound in policy.rules.bounds}
    return [
        told(check)
        for check in manifest.gate.recorded
        if not check.passed and check.metric not in known
    ]


def check_drop(score: Score, allowed: float, where: str) -> Check:
    """Fail a drop that is both larger than allowed and more than chance."""
    drop = fallen(score)
    certain = score.direction == "worse"
    return Check(
        name=score.metric + where,
        rule=f"at most {allowed:g} worse than the published model, beyond chance",
        found=describe(score),
        passed=drop <= allowed or not certain,
    )


def describe(score: Score) -> str:
    """Return a comparison as text.

    `0.9767 → 0.9419: -0.0349 (-0.081 to +0.012), McNemar, exact p = 0.25: no more than chance`
    """
    chance = "" if score.p is None else f" p = {score.p:.2g}"
    reading = {
        "worse": "more than chance",
        "better": "better beyond chance",
        "same": "no more than chance",
        "unknown": "not judged, for too few rows are new to the published model",
    }
    seeds = f", {over_seeds(score)}" if depends_on_seeds(score) else ""
    return (
        f"{score.old:.4g} → {score.new:.4g}: {score.difference:+.4g} "
        f"({score.low:+.3g} to {score.high:+.3g}), {score.test}{chance}{seeds}: "
        f"{reading[score.direction or 'same']}"
    )


def depends_on_seeds(score: Score) -> bool:
    """Return whether the difference of a score changes when it is averaged over seeds."""
    if score.averaged is None or score.difference is None:
        return False
    ends = (score.averaged, score.averaged_low or 0.0, score.averaged_high or 0.0)
    return any(abs(end - score.difference) > SMALLEST for end in ends)


def over_seeds(score: Score) -> str:
    """Return the averaged difference as text: `averaged over seeds -0.02 (-0.03 to -0.01)`."""
    return (
        f"averaged over seeds {score.averaged:+.3g} "
        f"({score.averaged_low:+.3g} to {score.averaged_high:+.3g})"
    )


def check_parity(manifest: Manifest) -> Check:
    """Check that the served model equals the estimator, as its training compared them."""
    parity = manifest.parity
    if manifest.runtime != "onnx":
        measured = "served by the estimator itself"
        return Check(name="parity", rule="equal to the estimator", found=measured, passed=True)
    measured = "not compared"
    if parity is not None:
        measured = (
            f"{parity.label_mismatches} of {parity.rows} labels differ, "
            f"numbers by at most {parity.max_difference:g}"
        )
    rule = f"0 labels, {PARITY_TOLERANCE:g}, as its training compared them"
    passed = parity is not None and parity.is_equal
    return Check(name="parity", rule=rule, found=measured, passed=passed)
