"""The expression of dates knows the calendar, and what it accepts becomes a moment."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from contract import arrays, dates

PATTERN = re.compile(dates.pattern())
MOMENTS = {
    "2024-02-29": "2024-02-29",
    "2024-02-29T18:30": "2024-02-29T18:30",
    "2024-02-29 18:30:05.25": "2024-02-29T18:30:05.25",
    "2024-02-29T18:30:00Z": "2024-02-29T18:30",
    "2024-02-29T18:30+01:30": "2024-02-29T17:00",
    "2024-02-29T18:30-0030": "2024-02-29T19:00",
    "2024-12-31T23:59:59.999999999-01:00": "2025-01-01T00:59:59.999999999",
    "1678-01-01T00:00+23:59": "1677-12-31T00:01",
    "2261-12-31T23:59-23:59": "2262-01-01T23:58",
}
WRONG = [
    "2023-02-29", "1900-02-29", "2024-02-30", "2024-04-31", "2024-13-01", "2024-00-10",
    "2024-01-00", "2024-1-1", "20240101", "01.02.2024", "2024-01-01T24:00", "2024-01-01T12",
    "2024-01-01T12:60", "2024-01-01T12:00:60", "2024-01-01Z", "2024-01-01T12:00 Z",
    "2024-01-01T12:00:00.1234567891", "1677-12-31", "2262-01-01", "0001-01-01", "9999-12-31",
    "+2024-01-01", "2024-01-01\n", " 2024-01-01", "٢٠٢٤-01-01", "now", "NaT", "",
]  # fmt: skip


@pytest.mark.parametrize("text", MOMENTS)
def test_date_becomes_a_moment_in_utc(text: str) -> None:
    """With an offset the moment is moved to UTC; without one it is in UTC already."""
    assert PATTERN.search(text)
    assert arrays.moment(text) == np.datetime64(MOMENTS[text], "ns")


@pytest.mark.parametrize("text", WRONG)
def test_what_no_calendar_has_is_no_date(text: str) -> None:
    """Days that there are not, other notations and years beyond datetime64[ns] are refused."""
    assert PATTERN.search(text) is None


def test_pattern_is_made_once() -> None:
    """A table of two million dates would else take half an hour."""
    assert dates.pattern(2000, 2024) is dates.pattern(2000, 2024)


def test_pattern_agrees_with_the_calendar_on_every_day() -> None:
    """Each day that there is is accepted, and the day after the last of a month is not."""
    day = date(dates.FIRST_YEAR, 1, 1)
    while day.year <= dates.LAST_YEAR:
        tomorrow = day + timedelta(1)
        assert PATTERN.search(day.isoformat()), day
        if tomorrow.day == 1:
            assert not PATTERN.search(f"{day:%Y-%m}-{day.day + 1:02}"), day
        day = tomorrow


def test_pattern_of_some_years_takes_no_other() -> None:
    """Only the years from the first to the last are taken, where there is a leap year or not."""
    of_three = re.compile(dates.pattern(2021, 2023))
    years = [year for year in range(2015, 2030) if of_three.search(f"{year}-06-15")]
    assert years == [2021, 2022, 2023]
    assert not of_three.search("2023-02-29")
    assert re.search(dates.pattern(2024, 2024), "2024-02-29")


def test_moments_are_written_in_their_shortest_form() -> None:
    """A date without a time stays one, and what was written is read again as the same moment."""
    texts = ["2024-02-29", "2024-02-29T18:30:00", "2024-02-29T00:00:00.5", None]
    moments = arrays.moments(texts)
    assert arrays.iso(moments) == texts
    zoned = datetime(2024, 2, 29, 18, 30, tzinfo=UTC).isoformat()
    assert arrays.iso(arrays.moments([zoned])) == ["2024-02-29T18:30:00"]
