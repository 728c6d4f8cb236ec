"""Get the published model's answers to the rows of the new holdout, in its order of classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from contract.bundle import Bundle, Outcome, Value
from contract.evaluation.evaluation import Evaluation
from contract.evaluation.fingerprints import PLACE
from contract.evaluation.record import Record
from contract.evaluation.segments import subset
from judge.comparison.eligible_rows import Eligible, Incomparable, eligible, everything

Answer = tuple[list[Outcome], list[list[float]] | None]
Ask = Callable[[list[dict[str, Value]]], Answer]  # the published model, asked about rows


class ComparedAnswers(NamedTuple):
    """The published model's answers, the new model's to the same rows, and where they come from."""

    old: Evaluation
    new: Evaluation  # the same rows
    chosen: Eligible
    note: str


def answers(
    new: Bundle, fresh: Evaluation, old: Bundle, record: Record | None, ask: Ask
) -> ComparedAnswers:
    """Return both models' answers to the new holdout rows that they are compared on.

    Recorded answers of the published model count only where they are to the very same rows;
    otherwise `ask` asks it again. Raises Incomparable if it cannot answer them.
    """
    if record and is_same_holdout(fresh, record):
        chosen = everything(fresh)
        before = recorded(fresh, record)
        note = "Data and split are the same: its recorded answers to the same rows are compared."
    else:
        rows = features(fresh, old)
        is_same = have_same_holdout(new, old)
        chosen = everything(fresh) if is_same else eligible(fresh, rows, new.manifest, old, record)
        before = subset(fresh, chosen.rows)
        before.predictions, before.probabilities = ask([rows[row] for row in chosen.rows])
        changed = "Data" if new.manifest.data.sha256 != old.manifest.data.sha256 else "Split"
        why = "Its answers are not at hand" if is_same else f"{changed} changed"
        note = f"{why}: it answered {asked(chosen, len(rows))} again."
    before.probabilities = in_order(before.probabilities, old, new)
    return ComparedAnswers(before, subset(fresh, chosen.rows), chosen, note)


def asked(chosen: Eligible, rows: int) -> str:
    """Return how many rows the published model was asked about, and why not about the others."""
    if len(chosen.rows) == rows:
        return f"the {rows} new held-out rows"
    reasons = [
        f"{count} {what}"
        for count, what in (
            (chosen.seen if chosen.conclusive else 0, "it was trained on"),
            (chosen.refused, "it refuses"),
        )
        if count
    ]
    return f"{len(chosen.rows)} of the {rows} new held-out rows (left out: {' and '.join(reasons)})"


def is_same_holdout(fresh: Evaluation, record: Record) -> bool:
    """Return whether both models were judged on the same rows of the same data."""
    return np.sort(fingerprints(fresh)).tobytes() == record.rows


def have_same_holdout(new: Bundle, old: Bundle) -> bool:
    """Return whether both models were judged on the same rows, as their manifests say."""
    ours, theirs = new.manifest, old.manifest
    return (ours.data, ours.split) == (theirs.data, theirs.split)


def recorded(fresh: Evaluation, record: Record) -> Evaluation:
    """Return the recorded answers in the order of the new holdout, which has the same rows."""
    ranks = np.argsort(np.argsort(fingerprints(fresh), kind="stable"))
    vectors = record.probabilities
    return replace(
        fresh,
        predictions=[record.predictions[rank] for rank in ranks],
        probabilities=vectors and [vectors[rank] for rank in ranks],
    )


def fingerprints(fresh: Evaluation) -> NDArray[np.unsignedinteger]:
    """Return the fingerprints (rows,) of the holdout rows by their places."""
    return np.frombuffer(fresh.fingerprints, dtype=PLACE)


def check_same_target(new: Bundle, old: Bundle) -> None:
    """Check that both models predict the same target; raise Incomparable if not."""
    ours, theirs = new.manifest, old.manifest
    if ours.anomaly != theirs.anomaly and ours.task == theirs.task:
        raise Incomparable(f"its anomaly is {theirs.anomaly}, the new one's {ours.anomaly}")
    if (ours.task, ours.target) != (theirs.task, theirs.target):
        before, now = (f"{', '.join(both.targets)} ({both.task})" for both in (theirs, ours))
        raise Incomparable(f"it predicts {before}, the new one {now}")


def features(fresh: Evaluation, old: Bundle) -> list[dict[str, Value]]:
    """Return the rows by the inputs of the published model.

    Raises Incomparable if the new evaluation does not hold one of those inputs, or no rows at all.
    """
    if not fresh.columns:
        raise Incomparable("the two were judged on different rows, which are not at hand here")
    known = {*fresh.columns, *fresh.others}
    absent = [field.name for field in old.manifest.inputs if field.name not in known]
    if absent:
        raise Incomparable(
            f"it needs the column {absent[0]}, which the new evaluation does not hold; to compare "
            f'them write columns = ["{absent[0]}"] under [evaluate] in model.toml',
            curable=True,
        )
    columns = {field.name: fresh.column(field.name) for field in old.manifest.inputs}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def in_order(
    probabilities: list[list[float]] | None, old: Bundle, new: Bundle
) -> list[list[float]] | None:
    """Return the probabilities in the new order of classes; 0 for a class that was unknown."""
    ours, theirs = new.manifest.classes, old.manifest.classes
    if probabilities is None or ours is None or theirs is None or ours == theirs:
        return probabilities
    if new.manifest.anomaly is not None:
        return probabilities  # anomaly scores, whatever the normal class is called
    values = np.array(probabilities)
    columns = [
        values[:, theirs.index(label)] if label in theirs else np.zeros(len(values))
        for label in ours
    ]
    result: list[list[float]] = np.stack(columns, axis=1).tolist()
    return result
