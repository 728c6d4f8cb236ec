"""What the judge finds: one structure, written as JSON, Markdown and a page."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from contract.bundle import Label, Value

SCHEMA_VERSION = 2
NAME = "report"
SCHEMA = Path(__file__).with_name("report.schema.json")
Verdict = Literal["passed", "failed", "accepted"]
Direction = Literal["better", "worse", "same", "unknown"]


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


class Report(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The verdict and everything it rests on."""

    schema_version: int = SCHEMA_VERSION
    model: str
    bundle: str | None = None  # the digest of its manifest; None where nothing is made of it
    description: str
    task: str
    verdict: Verdict
    headline: str
    new: Side
    old: Side | None
    note: str  # on the baseline: which, on which rows, or why there is none
    rows: int
    compared: int  # of the rows: those that are new to both models, 0 where there is no comparison
    confidence: float
    resamples: int
    scores: list[Score]
    segments: list[Segment]
    checks: list[Check]
    warnings: list[str]
    changes: Changes | None
    drift: list[Drift]
    override: str | None = None


def schema() -> bytes:
    """Return the JSON schema of report.json."""
    return msgspec.json.format(msgspec.json.encode(msgspec.json.schema(Report)), indent=2) + b"\n"
