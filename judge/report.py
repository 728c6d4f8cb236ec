"""What the judge finds: one structure, from which JSON, Markdown and a page are made.

It holds data; the sentences about it are those of `judge.render.sentences`, and its warnings.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from contract.bundle import Acceptance, Outcome, Parity, Runtime, Value, Where
from contract.bundle import Check as ThresholdResult

SCHEMA_VERSION = 5
NAME = "report"
Verdict = Literal["passed", "failed", "accepted"]
Direction = Literal["better", "worse", "same", "unknown"]
ImageFigure = Literal["size", "latency"]  # of an image: compressed, in MB; for one row, in ms
SMALLEST = 1e-9  # differences below are the rounding of a sum
NOT_MEASURED = (
    "Nobody here has measured this model: its data was not at hand, so every figure is a claim of "
    "whoever trained it."
)


def called(metric: str, where: Where | None) -> str:
    """Return the name of a metric of all rows, or of one segment."""
    return metric if where is None else f"{metric} where {where.column} is {where.value}"


class ModelSummary(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
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

    @property
    def drop(self) -> float:
        """By how much the metric is worse than the published model's; negative where better."""
        difference = self.difference or 0.0
        return -difference if self.higher_is_better else difference

    @property
    def depends_on_seeds(self) -> bool:
        """Whether the difference changes when it is averaged over seeds."""
        if self.averaged is None or self.difference is None:
            return False
        ends = (self.averaged, self.averaged_low or 0.0, self.averaged_high or 0.0)
        return any(abs(end - self.difference) > SMALLEST for end in ends)


class Segment(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The scores on the rows of one value of a column."""

    where: Where
    rows: int
    gated: bool
    scores: list[Score]


class BoundCheck(ThresholdResult, tag_field="kind", tag="bound"):
    """A metric of the new model, of all rows or `where` a segment is, held to its threshold.

    It passes without a value where the segment does not have the metric.
    """

    where: Where | None


class Checked(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """A rule of the gate, and whether it is met; `kind` says which fields it has."""

    passed: bool


class DropCheck(Checked, kw_only=True, tag="drop"):
    """A metric held to how far it may be worse than the published model's, `allowed`.

    `score` is None where the metric does not exist on the new model's rows, and without an old
    value where nothing of the published model can be compared with it.
    """

    metric: str
    where: Where | None
    allowed: float
    score: Score | None


class BaselineCheck(Checked, kw_only=True, tag="baseline"):
    """The published model cannot be compared, for a `reason` that a person can mend."""

    reason: str


class ParityCheck(Checked, kw_only=True, tag="parity"):
    """The exported model held to the estimator, as its training compared them."""

    runtime: Runtime
    parity: Parity | None


class ImageCheck(Checked, kw_only=True, tag="image"):
    """A figure of the new image, held to `allowed` times the published image's."""

    figure: ImageFigure
    old: float
    new: float
    allowed: float


Check = BoundCheck | DropCheck | BaselineCheck | ParityCheck


class Change(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A row that the two models answer differently; numbers: by the largest distance."""

    row: int
    truth: Outcome
    old: Outcome
    new: Outcome
    features: dict[str, Value]


class KindOfChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How many rows of a class the two models answer with these two classes."""

    truth: Outcome
    old: Outcome
    new: Outcome
    rows: int


class Changes(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How many answers changed, how many of them for better and for worse, and which for which.

    `shown` are some of the rows, where [privacy] in model.toml lets a report show rows.
    """

    count: int
    better: int
    worse: int
    kinds: list[KindOfChange]
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
    new: ModelSummary
    old: ModelSummary | None
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
    accepted: list[Acceptance] = []  # what a person accepts of the failed checks, if it is enough
