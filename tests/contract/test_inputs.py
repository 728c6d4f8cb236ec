"""What an input accepts, said once for those who train, judge and serve."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from contract.bundle import Input, Serving
from contract.inputs import FLOAT32_MAX, Domain, accepts, domains

MASS = Input(name="mass", kind="numeric", minimum=1.0, maximum=5.0)
ISLAND = Input(name="island", kind="categorical", missing=True, categories=["Biscoe", "Dream"])
NOTE = Input(name="note", kind="text")
DAY = Input(name="day", kind="date", missing=True, minimum=2020.0, maximum=2022.0)
RINGED = Input(name="ringed", kind="boolean", true="ja", false="nein")
STRICT = Serving(out_of_range="reject")
LENIENT = Serving(unknown_category="ignore")


def accepted(field: Input, serving: Serving, values: list[Any]) -> list[Any]:
    """Return the values that an input accepts."""
    domain = Domain.of(field, serving)
    return [value for value in values if domain.accepts(value)]


def test_numeric_input_accepts_what_trees_can_compare() -> None:
    """A numeric input takes any float32, or with [serve] only the range of the training rows."""
    good = [6.0, 7, 1.0, 5.0, FLOAT32_MAX, -FLOAT32_MAX]
    bad = [1e39, -(10**400), math.nan, math.inf, True, "6", "", None, [6.0]]
    assert accepted(MASS, LENIENT, good + bad) == good
    assert accepted(MASS, STRICT, good + bad) == [1.0, 5.0]


def test_categorical_input_accepts_its_categories() -> None:
    """A categorical input takes its categories, or any text if unknown ones are ignored."""
    values: list[Any] = ["Dream", "Torgersen", None, "", 4.0, True, ["Dream"], {}]
    assert accepted(ISLAND, STRICT, values) == ["Dream", None]
    assert accepted(ISLAND, LENIENT, values) == ["Dream", "Torgersen", None]


def test_text_input_accepts_any_text() -> None:
    """Any text is taken, the empty one too, and null only where training rows lacked one."""
    values: list[Any] = ["", "☃\0", "x" * 100_000, None, 4.0, True]
    assert accepted(NOTE, STRICT, values) == values[:3]
    assert accepted(msgspec.structs.replace(NOTE, missing=True), STRICT, values) == values[:4]


def test_boolean_input_accepts_true_and_false() -> None:
    """In JSON a boolean is true or false, and no word or number for it."""
    assert accepted(RINGED, STRICT, [True, False, 1, 0, "ja", "true", None]) == [True, False]


def test_boolean_input_reads_the_words_of_its_table() -> None:
    """In a table its words are read in any case; what is no word of it stays what it is."""
    cells = ["ja", "JA", "Nein", "true", "1", ""]
    assert [Domain.of(RINGED, STRICT).cell(cell) for cell in cells] == [
        True, True, False, "true", "1", None
    ]  # fmt: skip


def test_date_input_accepts_the_years_that_it_may() -> None:
    """A date is of any year that there is, or with [serve] of the years of the training rows."""
    values = [
        "2021-05-06",
        "2022-12-31T23:59Z",
        "2019-12-31",
        None,
        "2021-02-29",
        "soon",
        2021,
        True,
    ]
    assert accepted(DAY, LENIENT, values) == values[:4]
    assert accepted(DAY, STRICT, values) == [*values[:2], None]


def test_policy_of_an_input_comes_before_the_models() -> None:
    """What model.toml says of a column counts for it, and [serve] for the others."""
    mass = msgspec.structs.replace(MASS, out_of_range="accept")
    assert accepted(mass, STRICT, [9.0]) == [9.0]
    island = msgspec.structs.replace(ISLAND, unknown_category="reject")
    assert accepted(island, LENIENT, ["Torgersen"]) == []


@pytest.mark.parametrize("field", [MASS, ISLAND, NOTE, DAY, RINGED], ids=lambda field: field.name)
@pytest.mark.parametrize("serving", [STRICT, LENIENT])
def test_type_takes_what_is_accepted(field: Input, serving: Serving) -> None:
    """The type that decodes a request takes the values that the domain accepts, and no others."""
    domain = Domain.of(field, serving)
    values: list[Any] = [2.0, 9.0, -1e300, True, "Dream", "Torgersen", "", "ja", "2021-02-28",
                         "2021-02-29", "2019-01-01 10:00", "2021-02-28\n"]  # fmt: skip
    for value in values:
        try:
            msgspec.json.decode(msgspec.json.encode(value), type=domain.json_type)
            taken = True
        except msgspec.ValidationError:
            taken = False
        assert taken == domain.takes(value), value


@pytest.mark.parametrize("value", [None, 2.0])
def test_input_that_training_saw_no_value_of_has_no_range(value: Any) -> None:
    """An input whose training cells were all missing accepts any number."""
    field = Input(name="empty", kind="numeric", missing=True)
    assert Domain.of(field, STRICT).accepts(value)


def test_row_is_accepted_if_each_of_its_cells_is() -> None:
    """Columns that are no input do not matter."""
    served = domains([MASS, ISLAND], STRICT)
    assert accepts(served, {"mass": 2.0, "island": None, "sex": "male"})
    assert not accepts(served, {"mass": 9.0, "island": None})
