"""Find the rows that the two models answer differently."""

from __future__ import annotations

import math
from collections import Counter

from contract.bundle import Label, Outcome
from contract.evaluation.evaluation import Evaluation, by_target
from judge.report import Change, Changes, KindOfChange

SHOWN = 20
NOISE = 1e-6  # relative difference of numbers that another runtime may cause by rounding


def changes(new: Evaluation, old: Evaluation, *, with_rows: bool = False) -> Changes:
    """Return how many answers changed, and of classes which for which.

    `with_rows` also returns some of the rows: those that became wrong first, or farther from the
    truth.
    """
    places = [
        place
        for place, (after, before) in enumerate(zip(new.predictions, old.predictions, strict=True))
        if differ(after, before)
    ]
    gains = {place: gain(new, old, place) for place in places}
    places.sort(key=lambda place: (gains[place], place))
    return Changes(
        count=len(places),
        better=sum(value > 0 for value in gains.values()),
        worse=sum(value < 0 for value in gains.values()),
        kinds=kinds(new, old, places),
        shown=[change(new, old, place) for place in places[:SHOWN]] if with_rows else [],
    )


def kinds(new: Evaluation, old: Evaluation, places: list[int]) -> list[KindOfChange]:
    """Return which classes became which, the most frequent first; of numbers nothing."""
    if not places or isinstance(by_target(new.truth[:1])[0][0], float):
        return []
    counter = Counter(
        (new.truth[place], old.predictions[place], new.predictions[place]) for place in places
    )
    return [
        KindOfChange(truth=truth, old=before, new=after, rows=rows)
        for (truth, before, after), rows in counter.most_common(SHOWN)
    ]


def differ(after: Outcome, before: Outcome) -> bool:
    """Return whether two answers differ; numbers do beyond NOISE."""
    if isinstance(after, tuple) and isinstance(before, tuple):
        return any(map(differ, after, before))
    if isinstance(after, float) and isinstance(before, float):
        return not math.isclose(after, before, rel_tol=NOISE)
    return after != before


def gain(new: Evaluation, old: Evaluation, place: int) -> float:
    """Return how much nearer to the truth the new answer is; for labels 1, 0 or -1.

    Of several targets, the sum over them.
    """
    columns = by_target([new.truth[place], new.predictions[place], old.predictions[place]])
    return sum(nearer(*column) for column in columns)


def nearer(truth: Label, after: Label, before: Label) -> float:
    """Return how much nearer to the truth a target's new value is; for a label 1, 0 or -1."""
    if isinstance(truth, float) and isinstance(after, float) and isinstance(before, float):
        return abs(before - truth) - abs(after - truth)
    return float(after == truth) - float(before == truth)


def change(new: Evaluation, old: Evaluation, place: int) -> Change:
    """Return a row with its truth and both answers."""
    return Change(
        row=new.rows[place],
        truth=new.truth[place],
        old=old.predictions[place],
        new=new.predictions[place],
        features={name: values[place] for name, values in new.columns.items()},
    )
