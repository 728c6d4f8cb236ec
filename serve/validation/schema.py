"""The manifest's inputs as msgspec types, so that decoding a request checks it.

A row is a list in the order of the inputs, or an object by their names. msgspec compiles these
types once. A body that they accept needs no other check, save for duplicate keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from contract.bundle import Input, Manifest, Serving, Value
from contract.inputs import Domain

Row = tuple[Value, ...]


def value_type(field: Input, serving: Serving) -> Any:
    """Return the type of one value, which is what `Domain.accepts` takes."""
    domain = Domain.of(field, serving)
    if field.kind == "numeric":
        known: Any = Annotated[float, Meta(ge=domain.least, le=domain.greatest)]
    elif domain.categories:
        known = Literal[tuple(sorted(domain.categories))]
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
