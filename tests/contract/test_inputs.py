"""What an input accepts, said once for those who train, judge and serve."""

from __future__ import annotations

import math
from typing import Any

import pytest

from contract.bundle import Input, Serving
from contract.inputs import FLOAT32_MAX, Domain, accepts, domains

MASS = Input(name="mass", kind="numeric", minimum=1.0, maximum=5.0)
ISLAND = Input(name="island", kind="categorical", missing=True, categories=["Biscoe", "Dream"])
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
