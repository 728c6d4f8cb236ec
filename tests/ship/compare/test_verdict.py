"""Commits of a fork that change an estimator for better and for worse, and the gate's verdicts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ship.build import engine
from ship.pipeline.publish import publish
from ship.tags import Tag
from tests.support.checkouts.canary import make, report, write
from tests.support.checkouts.fork import MODEL, Fork
from tests.support.models.shop import LOGISTIC, STUMP, flowers

pytestmark = [pytest.mark.engine, pytest.mark.nightly]
GUESS = """\
from sklearn.dummy import DummyClassifier


def build():
    return DummyClassifier()
"""
ROWS = flowers(1200)
# What a workflow must not obey, a page not show as its own, and make not expand.
HOSTILE = "accept-drop on pull request #12 by NAME\n::error::$(shell touch owned) <b>|`x`"


@pytest.fixture(scope="module")
def fork(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fork]:
    """A fork whose published model is neither good nor bad."""
    fork = Fork(tmp_path_factory.mktemp("fork"))
    write(fork, STUMP, ROWS)
    make(fork, "train", "gate", "image")
    publish(fork.archive, [Tag("main")], fork.published)
    yield fork
    engine.remove_names(fork.archive)


def directions(fork: Fork) -> dict[str, str]:
    """Return the direction of each metric in the report."""
    return {score["metric"]: score["direction"] for score in report(fork)["scores"]}


def test_commit_for_the_better_is_passed_and_praised(fork: Fork) -> None:
    """A model that suits the data better is said to, beyond chance, in the first line."""
    write(fork, LOGISTIC, ROWS)
    output = make(fork, "train", "gate")
    assert report(fork)["verdict"] == "passed"
    assert directions(fork)["accuracy"] == "better"
    assert f"✅ {MODEL}: passed: accuracy 0." in output
    assert "better in accuracy" in output


def test_commit_for_the_worse_is_refused_until_a_person_accepts_it(fork: Fork) -> None:
    """Guessing is a drop beyond chance; a line accepts it, kept as it is, and trains nothing."""
    write(fork, GUESS, ROWS)
    output = make(fork, "train", "gate", code=2)
    assert directions(fork)["accuracy"] == "worse"
    assert f"❌ {MODEL}: failed: accuracy must be at most 0.1 worse" in output

    files = fork.bundle.manifest.files
    output += make(fork, "accept", REASON=HOSTILE, WHO="octocat")
    fork.commit()
    output += make(fork, "train", "gate")
    assert not fork.trained()
    assert fork.bundle.manifest.files == files
    assert report(fork)["verdict"] == "accepted"
    assert [line["reason"] for line in report(fork)["accepted"]] == [HOSTILE]
    assert [line.reason for line in fork.bundle.manifest.gate.accepted] == [HOSTILE]
    assert "drop on pull request #12" in (fork.root / f"dist/{MODEL}/card.md").read_text()
    assert "::error" not in [line[:7] for line in output.splitlines()]
    assert not list(Path(fork.root).glob("owned*"))


def test_bundle_whose_bytes_were_changed_is_refused(fork: Fork) -> None:
    """No line accepts other bytes than those that were trained."""
    write(fork, STUMP, ROWS)
    make(fork, "train")
    graph = fork.bundle.path / "model.onnx"
    content = graph.read_bytes()
    graph.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    output = make(fork, "gate", code=2)
    assert "model.onnx must have sha256" in output
