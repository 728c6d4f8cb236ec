"""Check the holdout metrics of a training against the thresholds of model.toml."""

from __future__ import annotations

from collections.abc import Mapping

from contract.bundle import Check, Gate
from contract.spec.model_toml import ModelSpec


def judge(spec: ModelSpec, holdout: Mapping[str, float]) -> Gate:
    """Check every threshold; the gate passes if all of them do.

    A metric that `holdout` does not have, or that is NaN, fails its threshold. What model.toml
    accepts is of comparisons, and is only recorded here.
    """
    checks = [bound.check(holdout.get(bound.metric)) for bound in spec.gate.rules.bounds]
    passed = all(check.passed for check in checks)
    return Gate(passed=passed, checks=checks, accepted=list(spec.gate.accepted))


def sentence(check: Check) -> str:
    """Return a check as text, such as `accuracy 0.974 >= 0.9 passed`."""
    sign = ">=" if check.bound == "min" else "<="
    verdict = "passed" if check.passed else "FAILED"
    return f"{check.metric} {check.measured} {sign} {check.threshold:g} {verdict}"
