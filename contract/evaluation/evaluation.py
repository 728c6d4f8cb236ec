"""Every holdout row with its truth and the model's answer, on the machine that judges.

It lies in the folder `evaluation` beside the bundle, as `holdout.json`, and goes no further: what a
later comparison needs of it is `contract.evaluation.record`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from contract.bundle import (
    HOLDOUT,
    Bundle,
    BundleError,
    Label,
    Outcome,
    Value,
    read_file,
    verify_file,
)
from contract.evaluation.own_metrics import OwnScores, Question


class Importance(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How much worse a metric is when the values of one input are shuffled (Breiman 2001)."""

    feature: str
    mean: float
    std: float


class Learning(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A point of the learning curve: the rows trained on, and the score on other training rows."""

    rows: int
    score: float


class Study(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How important each input is, and whether more rows would help, by the first gated metric."""

    metric: str
    importance: list[Importance]
    learning: list[Learning]


class Evaluation(msgspec.Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Every holdout row; the lists run in parallel. `rows` are positions in the data source.

    A model that detects anomalies has its anomaly score, one number, in place of probabilities.
    """

    rows: list[int]
    columns: Mapping[str, list[Value]]  # the inputs
    truth: list[Outcome]
    predictions: list[Outcome]
    probabilities: list[list[float]] | None
    weights: list[float] | None = None  # how much each row counts; None: all the same
    others: dict[str, list[Value]] = {}  # columns that are no input: see ModelSpec.kept
    metrics: list[str] = []  # those computed only where a gate names them, such as `recall(yes)`
    own: OwnScores | None = None  # of the model's own metrics.py
    fingerprints: bytes = b""  # of the rows: see `contract.evaluation.fingerprints.places`
    study: Study | None = None
    targets: list[str] = []  # of several, in the order of each truth

    def column(self, name: str) -> list[Value]:
        """Return an input or another kept column; raise KeyError for one that is not here."""
        return self.others[name] if name in self.others else self.columns[name]

    def own_scores(
        self, classes: Sequence[Label] | None, resamples: int = 0
    ) -> dict[str, NDArray[np.float64]]:
        """Return the values (values,) of the model's own metrics, as `OwnScores.score` does."""
        if self.own is None or not self.truth:
            return {}
        question = Question(
            truth=self.truth,
            predictions=self.predictions,
            probabilities=self.probabilities,
            weights=self.weights,
            classes=None if classes is None else list(classes),
            resamples=resamples,
        )
        values = self.own.score(question)
        return {name: values[name] for name in self.metrics if name in values}

    @property
    def features(self) -> list[dict[str, Value]]:
        """The rows by the names of their inputs."""
        rows = zip(*self.columns.values(), strict=True)
        return [dict(zip(self.columns, row, strict=True)) for row in rows]


def by_target(outcomes: Sequence[Outcome]) -> list[tuple[Label, ...]]:
    """Return the values (rows,) of each target; most often there is one."""
    rows = (outcome if isinstance(outcome, tuple) else (outcome,) for outcome in outcomes)
    return list(zip(*rows, strict=True))


def beside(bundle: Path) -> Path:
    """Return the folder for what is kept beside a bundle, and is no part of it."""
    return bundle.with_name("evaluation")


def read(bundle: Bundle) -> Evaluation:
    """Read the holdout rows of a bundle; raise BundleError for none, or for those of another."""
    file = beside(bundle.path) / HOLDOUT
    cure = f"Train the model again: make train MODEL={bundle.manifest.name}"
    if HOLDOUT not in bundle.manifest.beside:
        raise BundleError(f"{bundle.path} must name its {HOLDOUT}. It names none. {cure}")
    verify_file(file, bundle.manifest.beside[HOLDOUT])
    try:
        return msgspec.json.decode(read_file(file), type=Evaluation)
    except (FileNotFoundError, msgspec.MsgspecError, RecursionError) as error:
        raise BundleError(
            f"{file} must be an evaluation of this revision. Got instead: {error}. {cure}"
        ) from error
