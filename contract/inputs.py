"""What a model accepts for each of its inputs: one definition for training, judge and server.

Everything that depends on the kind of a column is here, in one class a kind. To add a kind is to
add a class to KINDS, and its name to `contract.bundle.Kind`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
from msgspec import Meta

from contract import dates
from contract.bundle import Input, Kind, Serving, Value

FLOAT32_MAX = 3.4028234663852886e38  # trees compare in float32: a larger number is infinite there
Array = Literal["numeric", "categorical", "date"]


class Domain(msgspec.Struct, frozen=True):
    """The values that a model takes for one input: in a request, and in a holdout row."""

    missing: bool  # whether the value may be None

    array: ClassVar[Array]  # which array of `contract.arrays` holds the column inside the model
    datatype: ClassVar[str]  # the column's, in the Open Inference Protocol
    keys: ClassVar[tuple[str, ...]] = ()  # what model.toml may say of a column, beside its kind
    cure: ClassVar[str] = ""  # what to write where a table holds something else

    @staticmethod
    def of(field: Input, serving: Serving) -> Domain:
        """Return what the model takes, as its training rows and model.toml say."""
        return KINDS[field.kind].made(field, serving)

    @classmethod
    def made(cls, field: Input, serving: Serving) -> Self:  # noqa: ARG003 - the others need it
        """Return the domain of an input of this kind."""
        return cls(field.missing)

    def accepts(self, value: Any) -> bool:
        """Return whether the model takes a value as JSON holds it."""
        return self.missing if value is None else self.takes(value)

    def takes(self, value: Any) -> bool:
        """Return whether the model takes a value that is not None."""
        raise NotImplementedError

    @property
    def json_type(self) -> Any:
        """The msgspec type of the values that are taken, which decodes and describes them."""
        raise NotImplementedError

    @property
    def words(self) -> str:
        """What a value must be, for a message."""
        raise NotImplementedError

    @property
    def choices(self) -> Sequence[str]:
        """The values that are taken, where these are few enough to be listed."""
        return ()

    def cell(self, text: str) -> Value:
        """Return what a cell of a table means: its text, unless that means something else."""
        return text or None

    @staticmethod
    def seen(field: Input) -> str:
        """Return what the training rows held, as far as anybody may know it."""
        return "no value" if field.minimum is None else f"{field.minimum:g} to {field.maximum:g}"


class Number(Domain, frozen=True):
    """A number from `least` to `greatest`; a boolean is none."""

    least: float
    greatest: float

    array = "numeric"
    datatype = "FP64"
    keys = ("out_of_range",)
    cure = 'If these are categories, write {name} = "categorical"'

    @classmethod
    def made(cls, field: Input, serving: Serving) -> Self:
        """Return the range of the training rows if others are refused, else that of float32."""
        least, greatest = field.minimum, field.maximum
        if not refuses_far_values(field, serving) or least is None or greatest is None:
            least, greatest = -FLOAT32_MAX, FLOAT32_MAX
        return cls(field.missing, least, greatest)

    def takes(self, value: Any) -> bool:
        """Return whether a value is a number in the range."""
        return type(value) in (int, float) and self.least <= value <= self.greatest

    @property
    def json_type(self) -> Any:
        """A float with its bounds."""
        return Annotated[float, Meta(ge=self.least, le=self.greatest)]

    @property
    def words(self) -> str:
        """What a value must be."""
        if self.greatest == FLOAT32_MAX:
            return "a number (within ±3.4e38)"
        return f"a number from {self.least:g} to {self.greatest:g}"


class Category(Domain, frozen=True):
    """One of `categories`, or, where these are None, any text that is not empty."""

    categories: frozenset[str] | None

    array = "categorical"
    datatype = "BYTES"
    keys = ("unknown_category",)

    @classmethod
    def made(cls, field: Input, serving: Serving) -> Self:
        """Return the categories of the training rows, unless others are taken too."""
        policy = field.unknown_category or serving.unknown_category
        takes_any = policy == "ignore" or not field.categories
        return cls(field.missing, None if takes_any else frozenset(field.categories or ()))

    def takes(self, value: Any) -> bool:
        """Return whether a value is one of the categories."""
        if not isinstance(value, str):
            return False
        return value != "" if self.categories is None else value in self.categories

    @property
    def json_type(self) -> Any:
        """The literals, or a text that is not empty."""
        return Literal[tuple(self.choices)] if self.choices else Annotated[str, Meta(min_length=1)]

    @property
    def words(self) -> str:
        """What a value must be."""
        return "a text that is not empty"

    @property
    def choices(self) -> Sequence[str]:
        """The categories, sorted."""
        return sorted(self.categories or ())

    @staticmethod
    def seen(field: Input) -> str:
        """Return the categories."""
        return ", ".join(field.categories or ())


class Text(Domain, frozen=True):
    """Any text, the empty one too, which is what a missing text is inside the model."""

    array = "categorical"
    datatype = "BYTES"

    def takes(self, value: Any) -> bool:
        """Return whether a value is a text."""
        return isinstance(value, str)

    @property
    def json_type(self) -> Any:
        """A text."""
        return str

    def cell(self, text: str) -> Value:
        """Return the text; a table does not tell an empty one from a missing one."""
        return text

    @property
    def words(self) -> str:
        """What a value must be."""
        return "a text"

    @staticmethod
    def seen(field: Input) -> str:  # noqa: ARG004 - whatever the training rows held
        """Return what is known of the training rows: nothing, as a text may be anybody's."""
        return "any text"


class Boolean(Domain, frozen=True):
    """True or false, which a table writes as the words `true` and `false`, in any case."""

    true: str
    false: str

    array = "numeric"
    datatype = "BOOL"
    keys = ("true", "false")
    cure = (
        'Write the words of the table: {name} = {{ kind = "boolean", true = "yes", false = "no" }}'
    )

    @classmethod
    def made(cls, field: Input, serving: Serving) -> Self:  # noqa: ARG003 - no policy concerns it
        """Return the domain with the words of the table."""
        return cls(field.missing, field.true, field.false)

    def takes(self, value: Any) -> bool:
        """Return whether a value is true or false."""
        return isinstance(value, bool)

    @property
    def json_type(self) -> Any:
        """A boolean."""
        return bool

    @property
    def words(self) -> str:
        """What a value must be."""
        tables = f" (in a table {self.true} or {self.false})"
        return f"true or false{tables if (self.true, self.false) != ('true', 'false') else ''}"

    def cell(self, text: str) -> Value:
        """Return true or false for its word."""
        meanings = {self.true.casefold(): True, self.false.casefold(): False}
        return meanings.get(text.casefold(), text or None)

    @staticmethod
    def seen(field: Input) -> str:  # noqa: ARG004 - there is no other value
        """Return the two values."""
        return "true, false"


class Date(Domain, frozen=True):
    """A date, or a date and a time, as `contract.dates` has them."""

    first: int  # year
    last: int

    array = "date"
    datatype = "BYTES"
    keys = ("out_of_range",)
    cure = 'If these are no dates, write {name} = "text"'

    @classmethod
    def made(cls, field: Input, serving: Serving) -> Self:
        """Return the years of the training rows if others are refused, else all that there are."""
        if not refuses_far_values(field, serving) or field.minimum is None or field.maximum is None:
            return cls(field.missing, dates.FIRST_YEAR, dates.LAST_YEAR)
        return cls(field.missing, int(field.minimum), int(field.maximum))

    def takes(self, value: Any) -> bool:
        """Return whether a value is a date of these years."""
        return isinstance(value, str) and re.search(self.pattern, value) is not None

    @property
    def pattern(self) -> str:
        """The regular expression of the dates."""
        return dates.pattern(self.first, self.last)

    @property
    def json_type(self) -> Any:
        """A text with the pattern of a date."""
        return Annotated[str, Meta(pattern=self.pattern)]

    @property
    def words(self) -> str:
        """What a value must be."""
        return (
            f"a date of the years {self.first} to {self.last} in ISO 8601, such as 2024-02-29 or "
            "2024-02-29T18:30:00Z"
        )


KINDS: dict[Kind, type[Domain]] = {
    "numeric": Number,
    "categorical": Category,
    "text": Text,
    "date": Date,
    "boolean": Boolean,
}


def refuses_far_values(field: Input, serving: Serving) -> bool:
    """Return whether values outside the range of the training rows are refused."""
    return (field.out_of_range or serving.out_of_range) == "reject"


def in_array(kinds: Mapping[str, Kind], array: Array) -> list[str]:
    """Return the names of the inputs whose columns an array holds, given the kind of each."""
    return [name for name, kind in kinds.items() if KINDS[kind].array == array]


def domains(inputs: Sequence[Input], serving: Serving) -> dict[str, Domain]:
    """Return the domain of each input, by its name."""
    return {field.name: Domain.of(field, serving) for field in inputs}


def accepts(domains: Mapping[str, Domain], row: Mapping[str, Value]) -> bool:
    """Return whether the model takes a row, which has every input by its name."""
    return all(domain.accepts(row[name]) for name, domain in domains.items())
