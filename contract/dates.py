"""The dates and times of ISO 8601 that a column may hold, as one regular expression.

A date, or a date and a time, with or without an offset from UTC: 2024-02-29, 2024-02-29T18:30,
2024-02-29 18:30:05.25+01:00. Without an offset a time is in UTC. The years are those that
datetime64[ns] holds whole, so that pandas can compute with every date that is accepted. The
expression knows the calendar: a JSON schema that has it needs no other check.
"""

from __future__ import annotations

import calendar
import functools
import itertools
from collections.abc import Iterable

FIRST_YEAR, LAST_YEAR = 1678, 2261
DAYS = (
    "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8])"
)
TIME = r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
OFFSET = "(?:Z|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])"
END = r"$(?!\n)"  # in Python, $ alone also matches before a final newline


@functools.cache  # it takes a millisecond, and a table has a date in each row
def pattern(first: int = FIRST_YEAR, last: int = LAST_YEAR) -> str:
    """Return the expression (ECMA-262 and Python alike) of the dates of the years from `first`."""
    years = range(max(first, FIRST_YEAR), min(last, LAST_YEAR) + 1)
    days = [f"(?:{alternatives(years)})-(?:{DAYS})"]
    if leap := list(filter(calendar.isleap, years)):
        days.append(f"(?:{alternatives(leap)})-02-29")
    return f"^(?:{'|'.join(days)})(?:{TIME}{OFFSET}?)?{END}"


def alternatives(years: Iterable[int]) -> str:
    """Return an expression of sorted years, one alternative for each decade."""
    decades = itertools.groupby(years, lambda year: year // 10)
    return "|".join(f"{decade}[{''.join(str(y % 10) for y in ys)}]" for decade, ys in decades)
