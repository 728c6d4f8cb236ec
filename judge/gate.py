"""The rules of model.toml, held against what was found."""

from __future__ import annotations

from contract.bundle import Check as Recorded
from contract.bundle import Manifest
from contract.evaluation.segments import called
from contract.spec.gate import Policy, Rules
from judge.comparison.paired import SMALLEST, fallen
from judge.report import Check, Score, Segment

TOLERANCE = 1e-5  # as in train.export.parity, whose finding this is


def checks(
    policy: Policy, scores: list[Score], segments: list[Segment], manifest: Manifest
) -> list[Check]:
    """Return every check of the gate on the model itself, in the order of model.toml."""
    found = check_rules(policy.rules, scores, "")
    rules = {each.column: each.rules for each in policy.segments}
    for segment in segments:
        if segment.gated:
            where = called("", segment.column, segment.value)
            found += check_rules(rules[segment.column], segment.scores, where)
    return [*found, *check_recorded(policy, manifest), check_parity(manifest)]


def check_rules(rules: Rules, scores: list[Score], where: str) -> list[Check]:
    by_name = {score.metric: score for score in scores}
    result = []
    for bound in rules.bounds:
        score = by_name.get(bound.metric)
        if score is None:
            if not where:
                result.append(absent(bound.metric))
            continue  # in a segment it may well not exist
        value = score.whole
        passed = value >= bound.value if bound.bound == "min" else value <= bound.value
        words = "at least" if bound.bound == "min" else "at most"
        rule = f"{words} {bound.value:g}"
        result.append(
            Check(name=bound.metric + where, rule=rule, found=f"{value:.4g}", passed=passed)
        )
    result += [
        check_drop(by_name[metric], allowed, where)
        for metric, allowed in rules.drops.items()
        if metric in by_name and by_name[metric].old is not None
    ]
    return result


def absent(metric: str) -> Check:
    """Fail a bound on a metric that the holdout does not have: nothing says that it is met."""
    return Check(name=metric, rule="measured on the holdout", found="none", passed=False)


def check_recorded(policy: Policy, manifest: Manifest) -> list[Check]:
    """Return what the training itself found wanting, by rules that are no longer here."""
    known = {bound.metric for bound in policy.rules.bounds}
    return [
        Check(
            name=check.metric,
            rule=f"{'at least' if check.bound == 'min' else 'at most'} {check.threshold:g}",
            found=f"{check.value:.4g}",
            passed=False,
        )
        for check in recorded(manifest)
        if not check.passed and check.metric not in known
    ]


def recorded(manifest: Manifest) -> list[Recorded]:
    gate = manifest.gate
    return [*gate.checks, *(gate.override.accepted if gate.override else [])]


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
    """`0.9767 → 0.9419: -0.0349 (-0.081 to 0.012), McNemar, exact p = 0.25: within chance`."""
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
    if score.averaged is None or score.difference is None:
        return False
    ends = (score.averaged, score.averaged_low or 0.0, score.averaged_high or 0.0)
    return any(abs(end - score.difference) > SMALLEST for end in ends)


def over_seeds(score: Score) -> str:
    """`averaged over seeds -0.02 (-0.03 to -0.01)`."""
    return (
        f"averaged over seeds {score.averaged:+.3g} "
        f"({score.averaged_low:+.3g} to {score.averaged_high:+.3g})"
    )


def check_parity(manifest: Manifest) -> Check:
    parity = manifest.parity
    if manifest.runtime != "onnx":
        found = "served by the estimator itself"
        return Check(name="parity", rule="equal to the estimator", found=found, passed=True)
    found = (
        "not compared"
        if parity is None
        else (
            f"{parity.label_mismatches} of {parity.rows} labels differ, "
            f"numbers by at most {parity.max_difference:g}"
        )
    )
    passed = (
        parity is not None and not parity.label_mismatches and parity.max_difference <= TOLERANCE
    )
    rule = f"0 labels, {TOLERANCE:g}, as its training compared them"
    return Check(name="parity", rule=rule, found=found, passed=passed)
