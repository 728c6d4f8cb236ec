"""Find the rows that the two models answer differently."""

from __future__ import annotations

import math

from contract.bundle import Label
from contract.evaluation.evaluation import Evaluation
from judge.report import Change, Changes

SHOWN = 20
NOISE = 1e-6  # relative difference of numbers that another runtime may cause by rounding


def changes(new: Evaluation, old: Evaluation) -> Changes:
    """Return the changed answers: those that became wrong first, or farther from the truth."""
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
        shown=[change(new, old, place) for place in places[:SHOWN]],
    )


def differ(after: Label, before: Label) -> bool:
    """Return whether two answers differ; numbers do beyond NOISE."""
    if isinstance(after, float) and isinstance(before, float):
        return not math.isclose(after, before, rel_tol=NOISE)
    return after != before


def gain(new: Evaluation, old: Evaluation, place: int) -> float:
    """Return how much nearer to the truth the new answer is; for labels 1, 0 or -1."""
    truth, after, before = new.truth[place], new.predictions[place], old.predictions[place]
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
        features=new.features[place],
    )
