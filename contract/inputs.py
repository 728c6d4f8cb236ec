"""What a model accepts for each of its inputs: one definition for training, judge and server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import msgspec

from contract.bundle import Input, Serving, Value

FLOAT32_MAX = 3.4028234663852886e38  # trees compare in float32: a larger number is infinite there


class Domain(msgspec.Struct, frozen=True):
    """The values that a model takes for one input: in a request, and in a holdout row.

    A number is from `least` to `greatest`. A text is one of `categories`, or, where these are None,
    any that is not empty.
    """

    kind: Literal["numeric", "categorical"]
    missing: bool  # whether the value may be None
    least: float
    greatest: float
    categories: frozenset[str] | None

    @classmethod
    def of(cls, field: Input, serving: Serving) -> Self:
        """Return what the model takes, as its training rows and [serve] in model.toml say."""
        least, greatest = field.minimum, field.maximum
        if serving.out_of_range == "accept" or least is None or greatest is None:
            least, greatest = -FLOAT32_MAX, FLOAT32_MAX
        takes_any = serving.unknown_category == "ignore" or not field.categories
        categories = None if takes_any else frozenset(field.categories or ())
        return cls(field.kind, field.missing, least, greatest, categories)

    def accepts(self, value: Any) -> bool:
        """Return whether the model takes a value as JSON holds it; a boolean is no number."""
        if value is None:
            return self.missing
        if self.kind == "categorical":
            if not isinstance(value, str):
                return False
            return value != "" if self.categories is None else value in self.categories
        return type(value) in (int, float) and self.least <= value <= self.greatest


def domains(inputs: Sequence[Input], serving: Serving) -> dict[str, Domain]:
    """Return the domain of each input, by its name."""
    return {field.name: Domain.of(field, serving) for field in inputs}


def accepts(domains: Mapping[str, Domain], row: Mapping[str, Value]) -> bool:
    """Return whether the model takes a row, which has every input by its name."""
    return all(domain.accepts(row[name]) for name, domain in domains.items())
