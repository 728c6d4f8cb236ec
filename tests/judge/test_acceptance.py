"""What a person accepts of the gate: a comparison, down to a value, with one published version."""

from __future__ import annotations

from typing import Any

import pytest

from contract.bundle import Acceptance, Where
from judge.acceptance import compared, decide, needed, warnings
from judge.report import BaselineCheck, BoundCheck, Check, DropCheck, ImageCheck, Score

VERSION = "2026.11.30-abcdef0"


def drop(new: float, metric: str = "accuracy", *, higher: bool = True, **more: Any) -> DropCheck:
    """Return a failed check of a drop to a value."""
    score = Score(metric=metric, higher_is_better=higher, whole=new, new=new, new_low=new,
                  new_high=new, old=0.97, difference=new - 0.97)  # fmt: skip
    return DropCheck(
        metric=metric, allowed=0.01, passed=False, **{"where": None, "score": score, **more}
    )


def image(figure: Any, new: float) -> ImageCheck:
    """Return a failed check of an image, beside one of 50."""
    return ImageCheck(figure=figure, old=50, new=new, allowed=1.25, passed=False)


def accept(
    what: str = "accuracy", value: float | None = 0.93, replaces: str = VERSION
) -> Acceptance:
    """Return a line of [accept]."""
    return Acceptance(what=what, value=value, reason="because", who="octocat", replaces=replaces)


NORTH = Where("region", "north")
BASELINE = BaselineCheck(reason="it needs the column age", passed=False)


@pytest.mark.parametrize(
    ("check", "accepted"),
    [
        (drop(0.93), accept()),
        (drop(0.94), accept()),
        (drop(0.3, "log_loss", higher=False), accept("log_loss", 0.31)),
        (drop(0.9, where=NORTH), accept("accuracy where region is north", 0.9)),
        (image("size", 80), accept("image size", 1.6)),
        (BASELINE, accept("baseline", None)),
    ],
)
def test_comparison_is_accepted_by_its_line_alone(check: Check, accepted: Acceptance) -> None:
    """A line accepts its own comparison at its value or better, and no other."""
    assert decide([check], [accepted], VERSION) == ("accepted", [accepted])
    others = [accept("r2"), accept(accepted.what, accepted.value, "2026.12.01-0123456")]
    assert decide([check], others, VERSION) == ("failed", [])
    assert decide([check, drop(0.1, "f1")], [accepted], VERSION) == ("failed", [])
    assert decide([check], [accepted], None) == ("failed", [])


@pytest.mark.parametrize(
    ("check", "accepted"),
    [
        (drop(0.9299), accept()),
        (drop(0.32, "log_loss", higher=False), accept("log_loss", 0.31)),
        (image("size", 81), accept("image size", 1.6)),
        (drop(0.94), accept(value=None)),
    ],
)
def test_worse_value_is_refused(check: Check, accepted: Acceptance) -> None:
    """What is worse than what was accepted fails; a measured drop needs a value."""
    assert decide([check], [accepted], VERSION) == ("failed", [])


def test_thresholds_and_absent_metrics_are_no_comparisons() -> None:
    """A missed threshold is changed where it stands: no line accepts it."""
    bound = BoundCheck(
        metric="accuracy", bound="min", threshold=0.9, value=0.8, passed=False, where=None
    )
    for check in (bound, drop(0.9, score=None)):
        assert compared(check) is None
        assert decide([check], [accept(value=0.0), accept(value=None)], VERSION) == ("failed", [])
        assert needed([drop(0.5), check], VERSION, "because", "octocat") == []


def test_what_is_written_accepts_what_it_was_written_for() -> None:
    """A value is rounded so that the very model passes, and a noisy latency has some slack."""
    checks: list[Check | ImageCheck] = [
        drop(0.93336), drop(0.33333, "log_loss", higher=False), drop(-1234.5678, "r2"),
        drop(0.5, "mae", higher=False), image("latency", 125),
    ]  # fmt: skip
    lines = needed(checks, VERSION, "because", "octocat")
    assert [line.value for line in lines] == [0.9333, 0.3334, -1235.0, 0.5, 3.125]
    assert decide(checks, lines, VERSION)[0] == "accepted"


def test_line_that_is_not_needed_is_told() -> None:
    """A line of another version, of what passes, or with too good a value is named, with a cure."""
    stale, idle, small = accept(replaces="old"), accept("r2"), accept(value=0.95)
    accepted = [stale, idle, small, accept("image size"), accept()]
    warned = warnings([drop(0.94)], accepted, VERSION, "iris")
    beginning, cure = "[accept] in model.toml accepts", "Remove it: make accept MODEL=iris"
    published = f"{VERSION} is published"
    assert warned == [
        f"{beginning} accuracy in place of old, and {published}: it accepts nothing. {cure}",
        f"{beginning} r2 in place of {VERSION}, which the gate does not refuse. {cure}",
        f"{beginning} accuracy in place of {VERSION} at 0.95, and it is 0.94 now.",
    ]
    assert "nothing is published" in warnings([], [accept("image size")], None, "iris")[0]
