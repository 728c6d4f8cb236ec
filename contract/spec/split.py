"""Which rows are held out: the [split] table of model.toml."""

from __future__ import annotations

from datetime import date
from typing import get_args

from contract.bundle import Split, SplitMethod
from contract.spec.toml import Section

METHODS: tuple[SplitMethod, ...] = get_args(SplitMethod)
# What each method reads beside `method` and `seed`, which also seeds the training.
KEYS: dict[SplitMethod, tuple[str, ...]] = {
    "hash": ("test_size",),
    "random": ("test_size",),
    "group": ("column", "test_size"),
    "time": ("column", "cut", "test_size"),
    "given": ("column",),
}
TEST_SIZE = 0.25  # the share of rows that is held out
LARGEST_SEED = 2**32 - 1


def read_split(section: Section, target: str) -> Split:
    """Read the [split] table; raise ModelError for the first mistake."""
    method = section.choice("method", METHODS, "hash")
    read = KEYS[method]
    for key in ("column", "cut", "test_size"):
        if key in section.values and key not in read:
            readers = [f'"{name}"' for name, keys in KEYS.items() if key in keys]
            cure = f"Remove it, or write method = {' or '.join(readers)}."
            section.fail(key, f'absent with method = "{method}"', cure)
    section.only(("method", "seed", *read))
    cut = read_cut(section)
    return Split(
        method=method,
        seed=section.integer("seed", 0, LARGEST_SEED, default=0),
        test_size=read_test_size(section) if "test_size" in read and cut is None else None,
        column=read_column(section, target) if "column" in read else None,
        cut=cut,
    )


def read_test_size(section: Section) -> float:
    """Read the share of rows to hold out; raise ModelError unless it is from 0.01 to 0.9."""
    return section.number("test_size", 0.01, 0.9) if "test_size" in section.values else TEST_SIZE


def read_column(section: Section, target: str) -> str:
    """Read the column that decides; raise ModelError if there is none, or it is the target."""
    column = section.text("column")
    if column == target:
        section.fail("column", "another column than the target", "Name the one that decides.")
    return column


def read_cut(section: Section) -> str | None:
    """Read the first time that is held out, as a text; raise ModelError for what is none."""
    cut = section.values.get("cut")
    if cut is None:
        return None
    if "test_size" in section.values:
        section.fail("cut", "absent beside test_size", "Remove one of the two.")
    if isinstance(cut, bool) or not isinstance(cut, str | int | float | date):
        section.fail("cut", "a date or a number", 'Write cut = "2024-01-31".')
    return cut.isoformat() if isinstance(cut, date) else str(cut)
