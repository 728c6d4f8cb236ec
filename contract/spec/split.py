"""Which rows are held out: the [split] table of model.toml."""

from __future__ import annotations

from collections.abc import Sequence

from contract.bundle import Split, SplitMethod
from contract.spec import tables
from contract.spec.toml import Section

# What each method reads beside `method` and `seed`, which also seeds the training.
KEYS: dict[SplitMethod, tuple[str, ...]] = {
    "hash": ("test_size",),
    "random": ("test_size",),
    "group": ("column", "test_size"),
    "time": ("column", "cut", "test_size"),
    "given": ("column",),
}


def read_split(section: Section, targets: Sequence[str]) -> Split:
    """Read the [split] table; raise ModelError for the first mistake."""
    table = section.read(tables.Split)
    keys = KEYS[table.method]
    for key in ("column", "cut", "test_size"):
        if key in section.values and key not in keys:
            readers = [f'"{name}"' for name, its_keys in KEYS.items() if key in its_keys]
            cure = f"Remove it, or write method = {' or '.join(readers)}."
            section.fail(key, f'absent with method = "{table.method}"', cure)
    if "column" in keys:
        section.text("column")
    if table.column in targets:
        section.fail("column", "another column than the target", "Name the one that decides.")
    if {"cut", "test_size"} <= section.values.keys():
        section.fail("cut", "absent beside test_size", "Remove one of the two.")
    return Split(
        method=table.method,
        seed=table.seed,
        test_size=table.test_size if "test_size" in keys and table.cut is None else None,
        column=table.column,
        cut=None if table.cut is None else str(table.cut),
    )
