"""Choose the held-out rows on which two models can be compared: those that are new to both.

Where data or split changed, the published model may have been trained on some rows of the new
holdout, and its answers to those are too good. Nor can it be judged by rows that it refuses.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from contract.bundle import Bundle, Manifest, Split, Value
from contract.evaluation.evaluation import Evaluation, by_target
from contract.evaluation.fingerprints import known
from contract.evaluation.record import Record
from contract.inputs import accepts, domains

ENOUGH = 30  # rows; on fewer a bootstrap's intervals are too narrow
RECURRING = 0.2  # share of holdout rows that equal a training row; above it, equality says nothing
Rows = list[dict[str, Value]]


class Incomparable(Exception):  # noqa: N818 - a finding about two models, told in the report
    """No number can compare the two models; `curable` where a person should do something first."""

    def __init__(self, reason: str, *, curable: bool = False) -> None:
        super().__init__(reason)
        self.curable = curable


class Eligible(NamedTuple):
    """The positions of the rows to compare on, and how many others there are."""

    rows: list[int]
    seen: int  # that the published model was trained on
    refused: int  # that it does not answer
    warning: str = ""
    conclusive: bool = True  # False: too few rows are new to it to fail for a drop


def everything(fresh: Evaluation) -> Eligible:
    """Choose every row."""
    return Eligible(list(range(len(fresh.truth))), 0, 0)


def eligible(
    fresh: Evaluation, rows: Rows, new: Manifest, old: Bundle, record: Record | None
) -> Eligible:
    """Choose among the rows of the new model's holdout, given by the published model's inputs.

    Raises Incomparable if the published model refuses all of them.
    """
    manifest = old.manifest
    served = domains(manifest.inputs, manifest.serving)
    answered = np.array([accepts(served, row) for row in rows])
    refused = int((~answered).sum())
    if refused == len(rows):
        raise Incomparable("it refuses every new row: their values are not those it knows")
    if record and record.recurring > RECURRING:
        warning = (
            f"Equal rows are so common in this data that it can't be told which of the "
            f"{len(rows)} held-out rows the published model was trained on: all are compared."
        )
        return Eligible(places(answered), 0, refused, warning)
    trained = record.trained if record else b""
    seen = known(trained, rows, fresh.truth) if trained else np.zeros(len(rows), dtype=bool)
    if reason := knows_better(new.split, manifest.split):
        warning = (
            f"{reason} It may have learnt from what the new model must do without, which flatters "
            "it, so no drop is held against the new model; the absolute thresholds are."
        )
        chosen = places(answered)
        return Eligible(chosen, int(seen.sum()), refused, warning, conclusive=False)
    if not trained and not is_kept_apart(new, manifest):
        warning = (
            "Nothing that is kept of the published model says which rows it was trained on. Those "
            "that the new holdout has of them flatter it, so no drop is held against the new "
            "model; the absolute thresholds are."
        )
        return Eligible(places(answered), 0, refused, warning, conclusive=False)
    unseen = answered & ~seen
    if unseen.all() or is_enough(fresh, places(unseen)):
        return Eligible(places(unseen), int(seen.sum()), refused)
    warning = (
        f"The published model was trained on {seen.sum()} of the {len(rows)} held-out rows and "
        f"refuses {refused}; the others are too few to compare on. Rows it was trained on flatter "
        "it, so no drop is held against the new model; the absolute thresholds are."
    )
    return Eligible(places(answered), int(seen.sum()), refused, warning, conclusive=False)


def is_kept_apart(new: Manifest, old: Manifest) -> bool:
    """Return whether no row that the new split holds out is one that the old model was trained on.

    By a hash of the row, since that was made of the same columns, and of a group; and where a word
    or a fixed time in the row decides.
    """
    ours, theirs = new.split, old.split
    if (ours.method, ours.column, ours.seed) != (theirs.method, theirs.column, theirs.seed):
        return False
    is_wider = (theirs.test_size or 0) >= (ours.test_size or 0)
    return {
        "hash": is_wider and new.data.layout == old.data.layout,
        "group": is_wider,
        "given": True,
        "time": ours.cut is not None and ours.cut == theirs.cut,
        "random": False,
    }[ours.method]


def knows_better(new: Split, old: Split) -> str:
    """Return why rows that are new to the published model may still be of groups or times it knows.

    "" where they are not: rows are alone, or its own split has kept apart what the new one does.
    """
    same = (old.method, old.column) == (new.method, new.column)
    if new.method == "group":
        # A value's place is a number that is compared with the share: a larger share only adds.
        kept = same and old.seed == new.seed and (old.test_size or 0) >= (new.test_size or 0)
        return "" if kept else f"The published model was not split by the same groups: {old.rule}."
    if new.method == "time" and not same:
        return f"The published model was not split by time: {old.rule}."
    return ""


def places(chosen: np.ndarray) -> list[int]:
    """Return the positions at which a mask (rows,) is true."""
    positions: list[int] = np.flatnonzero(chosen).tolist()
    return positions


def is_enough(fresh: Evaluation, rows: list[int]) -> bool:
    """Return whether the rows suffice, and hold every class of each target."""
    return len(rows) >= ENOUGH and all(
        isinstance(values[0], float) or {values[row] for row in rows} == set(values)
        for values in by_target(fresh.truth)
    )
