"""The manifest's inputs as msgspec types, so that decoding a request checks it.

A row is a list in the order of the inputs, or an object by their names. msgspec compiles these
types once. A body that they accept needs no other check, save for duplicate keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from contract.bundle import Input, Manifest, Serving

Value = float | str | None
Row = tuple[Value, ...]

FLOAT32_MAX = 3.4028234663852886e38  # trees compare in float32: a larger number is infinite there


def number_range(field: Input, serving: Serving) -> tuple[float, float]:
    """Return the least and the greatest number the model takes."""
    if serving.out_of_range == "accept" or field.minimum is None or field.maximum is None:
        return -FLOAT32_MAX, FLOAT32_MAX
    return field.minimum, field.maximum


def known_categories(field: Input, serving: Serving) -> frozenset[str] | None:
    """Return the categories the model takes, or None if it takes any."""
    if serving.unknown_category == "ignore" or not field.categories:
        return None
    return frozenset(field.categories)


def value_type(field: Input, serving: Serving) -> Any:
    """Return the type of one value."""
    if field.kind == "numeric":
        least, greatest = number_range(field, serving)
        known: Any = Annotated[float, Meta(ge=least, le=greatest)]
    elif categories := known_categories(field, serving):
        known = Literal[tuple(sorted(categories))]
    else:
        known = Annotated[str, Meta(min_length=1)]
    return known | None if field.missing else known


def listed_type(manifest: Manifest) -> Any:
    """Return the type of a row that is a list."""
    types = tuple(value_type(field, manifest.serving) for field in manifest.inputs)
    return tuple.__class_getitem__(types)


def named_type(manifest: Manifest) -> type[msgspec.Struct]:
    """Return the type of a row that is an object; only values that may be missing may be absent."""
    attributes = {f"value{index}": field for index, field in enumerate(manifest.inputs)}
    return msgspec.defstruct(
        "Row",
        [
            (name, value_type(field, manifest.serving), *([None] if field.missing else []))
            for name, field in attributes.items()
        ],
        rename={name: field.name for name, field in attributes.items()},
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )


class Schema:
    """Decodes requests to a model: one row, many rows, or rows that were decoded elsewhere."""

    def __init__(self, manifest: Manifest, max_rows: int) -> None:
        self.manifest = manifest
        self.max_rows = max_rows
        self.named = named_type(manifest)
        row: Any = listed_type(manifest) | self.named
        self.row = row
        self.rows: Any = Annotated[list[row], Meta(min_length=1, max_length=max_rows)]
        self.one = request_type("OneRow", "features", row)
        self.many = request_type("ManyRows", "instances", self.rows)
        self.decode_one: Callable[[bytes], Any] = msgspec.json.Decoder(self.one).decode
        self.decode_many: Callable[[bytes], Any] = msgspec.json.Decoder(self.many).decode

    def convert(self, rows: list[Any]) -> list[Row]:
        """Check rows that were decoded elsewhere; raise msgspec.ValidationError for a wrong one."""
        return [in_order(row) for row in msgspec.convert(rows, self.rows)]


def request_type(name: str, field: str, content: Any) -> type[msgspec.Struct]:
    """Return the type of a body with one key, `field`."""
    return msgspec.defstruct(name, [(field, content)], forbid_unknown_fields=True)


def in_order(row: Any) -> Row:
    """Return the values of a decoded row in the order of the inputs."""
    return row if type(row) is tuple else msgspec.structs.astuple(row)
