"""The gate: the holdout metrics against the thresholds of model.toml."""

from __future__ import annotations

from contract.bundle import Check, Gate
from contract.spec.gate import Threshold
from contract.spec.model_toml import ModelSpec


def judge(spec: ModelSpec, holdout: dict[str, float]) -> Gate:
    """Check every threshold; the gate passes if all of them do."""
    checks = [check(threshold, holdout[threshold.metric]) for threshold in spec.gate.rules.bounds]
    return Gate(passed=all(each.passed for each in checks), checks=checks)


def check(threshold: Threshold, value: float) -> Check:
    passed = value >= threshold.value if threshold.bound == "min" else value <= threshold.value
    return Check(
        metric=threshold.metric,
        bound=threshold.bound,
        threshold=threshold.value,
        value=value,
        passed=passed,
    )


def sentence(check: Check) -> str:
    """`accuracy 0.974 >= 0.9 passed`."""
    sign = ">=" if check.bound == "min" else "<="
    verdict = "passed" if check.passed else "FAILED"
    return f"{check.metric} {check.value:.4g} {sign} {check.threshold:g} {verdict}"
