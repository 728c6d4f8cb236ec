"""Compare any two published versions of a model, in the report that the gate writes."""

from __future__ import annotations

from pathlib import Path

from contract.bundle import HOLDOUT, BundleError, read
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.evaluation import read as read_evaluation
from contract.spec.gate import ImageRules, Policy, Rules
from judge.judge import judge
from judge.render.formats import formats
from judge.report import NAME
from ship import git
from ship.compare.published_answers import as_published
from ship.compare.published_model import PublishedImage, fetch
from ship.errors import UsageError
from ship.files.replace import replace_file
from ship.registry.destination import destination

NO_RULES = Policy(Rules((), {}), (), ImageRules(1, 1))


def diff(model: str, a: str, b: str, dist: Path = git.TOOL / "dist") -> Path:
    """Write the report that compares the tag `b` with the tag `a`, and return its folder.

    Raises UsageError without two tags.
    """
    target = destination(model, dist)
    if not a or not b:
        known = ", ".join(target.tags()) or "none"
        raise UsageError(f"A and B must be tags at {target}. Published: {known}. "
                         f"Try: make diff MODEL={model} A=… B=…")  # fmt: skip
    folder = dist / model / "diff"
    old, new = (fetch(target, model, tag, folder / tag) for tag in (a, b))
    try:
        judgement = judge(
            new.bundle, as_published(old), NO_RULES, fresh=evaluation(new, dist / model / "bundle")
        )
    finally:
        old.remove()
    for ending, content in formats(judgement).items():
        replace_file(folder / f"{NAME}.{ending}", content)
    print((folder / f"{NAME}.md").read_text(encoding="utf-8"))
    return folder


def evaluation(published: PublishedImage, trained: Path) -> Evaluation:
    """Return the evaluation of a published model.

    With its rows if the bundle that was `trained` here is the same, else as it was kept without
    them. Raises UsageError where neither is there.
    """
    held = published.bundle.manifest.beside.get(HOLDOUT)
    try:
        here = read(trained)
        if held and here.manifest.beside.get(HOLDOUT) == held:
            return read_evaluation(here)
    except (BundleError, OSError):
        pass  # what lies there is no bundle, or is another's
    if published.record is None:
        raise UsageError(
            f"{published.reference} must have an evaluation to be compared by. None can be read "
            f"here. {published.unrecorded or 'Its repository keeps none.'} Train that "
            "revision on this machine, and run this again."
        )
    return published.record.evaluation
