"""What the judge finds: one structure, from which JSON, Markdown and a page are made."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from contract.bundle import Label, Value, encode
from contract.console import one_line

SCHEMA_VERSION = 2
NAME = "report"
SCHEMA = Path(__file__).with_name("report.schema.json")
Verdict = Literal["passed", "failed", "accepted"]
Direction = Literal["better", "worse", "same", "unknown"]
NEITHER = "no better or worse, beyond chance, than"
SIGNS: dict[Verdict, str] = {"passed": "✅", "failed": "❌", "accepted": "⚠️"}
NOT_MEASURED = (
    "Nobody here has measured this model: its data was not at hand, so every figure is a claim of "
    "whoever trained it."
)


class Side(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One of the two models: where it comes from, and what it was trained on."""

    version: str
    revision: str
    digest: str | None  # of the published image
    reference: str | None  # where that is published, with its tag
    estimator: str
    runtime: str
    data_sha256: str
    rows: int
    holdout_rows: int


class Score(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A metric of the new model and, on the same rows, of the published one.

    The interval of the difference holds for all gated metrics together with the report's
    confidence; `p` is from the paired permutation test, for metrics of labels. A direction other
    than `same` is beyond both the chance of the rows and that of the seed, or `unknown`, where too
    few rows are new to the published model.
    """

    metric: str
    higher_is_better: bool
    whole: float  # of the new model on every row; the rest is of the rows that are compared
    new: float
    new_low: float
    new_high: float
    old: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    test: str | None = None
    certain: bool = False  # the difference is beyond the chance of the rows
    averaged: float | None = None  # the difference without the luck of either model's seed
    averaged_low: float | None = None
    averaged_high: float | None = None
    direction: Direction | None = None


class Segment(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The scores on the rows of one value of a column."""

    column: str
    value: str
    rows: int
    gated: bool
    scores: list[Score]


class Check(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One rule of the gate."""

    name: str
    rule: str
    found: str
    passed: bool


class Change(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A row that the two models answer differently; numbers: by the largest distance."""

    row: int
    truth: Label
    old: Label
    new: Label
    features: dict[str, Value]


class Changes(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How many answers changed, how many of them for better and for worse, and some of them."""

    count: int
    better: int
    worse: int
    shown: list[Change]


class Drift(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How far the holdout values of an input moved from those of the published model."""

    feature: str
    distance: float
    p: float
    shifted: bool


class Report(msgspec.Struct, kw_only=True):
    """The verdict and everything it rests on."""

    # report.json holds the headline as well, for other programs: what it says is not read back.

    schema_version: int = SCHEMA_VERSION
    model: str
    bundle: str | None = None  # the digest of its manifest; None in a report of `make diff`
    description: str
    task: str
    verdict: Verdict
    new: Side
    old: Side | None
    note: str  # which published model was compared, on which rows, or why none was
    rows: int
    compared: int  # how many of the rows both models were compared on; 0 without a comparison
    confidence: float
    resamples: int
    scores: list[Score]
    segments: list[Segment]
    checks: list[Check]
    warnings: list[str]
    changes: Changes | None
    drift: list[Drift]
    override: str | None = None

    @property
    def headline(self) -> str:
        """The one line that says what became of the model and why."""
        because = f"; accepted because: {one_line(self.override)}" if self.override else ""
        return f"{self.sign} {self.model}: {self.verdict}: {self.reason}{because}"

    @property
    def sign(self) -> str:
        """The verdict at a glance."""
        return SIGNS[self.verdict]

    @property
    def reason(self) -> str:
        """Why the verdict is what it is, without the reason of a person who accepted the model."""
        failed = [check for check in self.checks if not check.passed]
        if failed:
            more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
            return f"{failed[0].name} must be {failed[0].rule}, is {failed[0].found}{more}"
        score = f"{self.scores[0].metric} {self.scores[0].new:.4g}" if self.scores else "no scores"
        if self.old is None or self.changes is None:
            return f"{score}, with nothing to compare it with"
        if self.changes.count == 0:
            return f"{score}, the same answers as the published model"
        return f"{score}, {compared(self.scores)} the published model"

    @property
    def changed(self) -> str:
        """How many of the compared rows are answered differently, and which way."""
        if self.changes is None:
            return "no row was compared"
        return (
            f"{self.changes.count} of {self.compared} predictions changed: "
            f"{self.changes.better} for the better, {self.changes.worse} for the worse"
        )


def compared(scores: Sequence[Score]) -> str:
    """Say in which metrics a model is better or worse than another, up to the other's name."""
    if any(score.direction == "unknown" for score in scores):
        return "with too few rows that are new to it to be compared with"
    better = ", ".join(score.metric for score in scores if score.direction == "better")
    worse = ", ".join(score.metric for score in scores if score.direction == "worse")
    if better and worse:
        return f"better in {better} but worse in {worse} than"
    if better:
        return f"better in {better} than"
    return f"worse in {worse}, within what is allowed, than" if worse else NEITHER


def encode_report(report: Report) -> bytes:
    """Return report.json, as `schema` describes it."""
    return encode({"headline": report.headline} | msgspec.to_builtins(report))


def schema() -> bytes:
    """Return the JSON schema of report.json."""
    described: dict[str, Any] = msgspec.json.schema(Report)
    report = described["$defs"]["Report"]
    report["properties"] = {"headline": {"type": "string"}} | report["properties"]
    report["required"] = ["headline", *report["required"]]
    report["additionalProperties"] = False
    return msgspec.json.format(msgspec.json.encode(described), indent=2) + b"\n"


def arrow(direction: Direction | None) -> str:
    """Return the sign of a direction."""
    return {"better": "▲", "worse": "▼", "same": "=", "unknown": "?", None: ""}[direction]


def reading(direction: Direction | None) -> str:
    """Return a direction in words, with its sign."""
    words = {"same": "within chance", "unknown": "not judged"}
    return f"{arrow(direction)} {words.get(direction, direction)}" if direction else ""
