"""Number 13: a maintainer accepts a drop, and the author pushes another model after that.

A label accepted whatever came with it. What is accepted now is a value, in place of one version.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from contract.bundle import Bundle
from contract.spec import model_toml
from contract.spec.gate import Policy
from judge.acceptance import needed
from judge.judge import judge
from judge.report import Report
from tests.support.models.shop import STUMP, Shop, flowers, good, published, shop

__all__ = ["good", "shop"]  # fixtures
pytestmark = pytest.mark.slow  # trains models
GUESS = """\
from sklearn.dummy import DummyClassifier


def build():
    return DummyClassifier()
"""
GATE = "accuracy = { min = 0.2, drop = 0.01 }\n"


@pytest.fixture(scope="module")
def policy(shop: Shop, good: Bundle) -> Policy:
    """A gate that accepts the drop of a stump in place of the published model."""
    stump = shop.train(flowers(), STUMP, GATE)
    rules = model_toml.read("made", stump.path.parent).gate
    refused = judge(stump, published(good), rules).report
    lines = needed(refused.checks, good.manifest.version, "the old data was wrong", "octocat")
    accepting = replace(rules, accepted=tuple(lines))
    assert judge(stump, published(good), accepting).report.verdict == "accepted"
    return accepting


def pushed(shop: Shop, estimator: str, old: Bundle, policy: Policy) -> Report:
    """Judge what is pushed after a drop was accepted."""
    return judge(shop.train(flowers(), estimator, GATE), published(old), policy).report


def test_worse_model_is_refused(shop: Shop, good: Bundle, policy: Policy) -> None:
    """A worse model than the accepted one fails, and the report says what was accepted."""
    report = pushed(shop, GUESS, good, policy)
    assert (report.verdict, report.accepted) == ("failed", [])
    assert any("in place of 0 at 0." in warning for warning in report.warnings)


def test_acceptance_of_another_version_is_refused(shop: Shop, good: Bundle, policy: Policy) -> None:
    """Once another version is published, its own drop has to be accepted."""
    later = replace(good, manifest=replace(good.manifest, version="1"))
    report = pushed(shop, STUMP, later, policy)
    assert (report.verdict, report.accepted) == ("failed", [])
    assert any("it accepts nothing" in warning for warning in report.warnings)
