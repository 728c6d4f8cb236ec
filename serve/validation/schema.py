"""The manifest's inputs as msgspec types, so that decoding a request checks it.

A row is a list in the order of the inputs, or an object by their names. msgspec compiles these
types once. A body that they accept needs no other check, save for duplicate keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from contract.bundle import Input, Manifest, Serving, Value
from contract.inputs import Domain
from serve.validation.strict_json import parse

Row = tuple[Value, ...]
ESCAPED = re.compile(r'["\\\x00-\x1f]')  # what JSON writes otherwise than it is (RFC 8259)
UNKNOWN = ""  # no field has this name


def value_type(field: Input, serving: Serving) -> Any:
    """Return the type of one value, which is what `Domain.accepts` takes."""
    known = Domain.of(field, serving).json_type
    return known | None if field.missing else known


def listed_type(manifest: Manifest) -> Any:
    """Return the type of a row that is a list."""
    types = tuple(value_type(field, manifest.serving) for field in manifest.inputs)
    return tuple.__class_getitem__(types)


def named_type(manifest: Manifest) -> type[msgspec.Struct]:
    """Return the type of a row that is an object; only values that may be missing may be absent.

    Its attributes are called by their places. In JSON they have the names of the inputs, or, where
    msgspec cannot hold these, the places as well.
    """
    attributes = {f"value{index}": field for index, field in enumerate(manifest.inputs)}
    names = {attribute: field.name for attribute, field in attributes.items()}
    return msgspec.defstruct(
        "Row",
        [
            (name, value_type(field, manifest.serving), *([None] if field.missing else []))
            for name, field in attributes.items()
        ],
        rename=names if all(map(is_plain, names.values())) else None,
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )


def is_plain(name: str) -> bool:
    """Return whether a msgspec struct can have a field of this name, which it does not escape."""
    return ESCAPED.search(name) is None


class Schema:
    """Decodes requests to a model: one row, many rows, or rows that were decoded elsewhere."""

    def __init__(self, manifest: Manifest, max_rows: int) -> None:
        self.manifest = manifest
        self.max_rows = max_rows
        self.named = named_type(manifest)
        row: Any = listed_type(manifest) | self.named
        self.row = row
        self.rows = rows_type(row, max_rows)
        self.columns = [
            rows_type(value_type(field, manifest.serving), max_rows) for field in manifest.inputs
        ]
        self.one = request_type("OneRow", "features", row)
        self.many = request_type("ManyRows", "instances", self.rows)
        inputs = (field.name for field in manifest.inputs)
        self.names = dict(zip(self.named.__struct_encode_fields__, inputs, strict=True))
        self.decode_one = self.decoder(self.one, "features")
        self.decode_many = self.decoder(self.many, "instances")

    def decoder(self, kind: Any, key: str = "") -> Callable[[bytes], Any]:
        """Return a function that decodes JSON as `kind`, a type that has rows at `key`.

        Without a key it is that of a row. Where msgspec cannot hold the inputs' names, they are
        replaced by places after the JSON is read.
        """
        if all(name == place for place, name in self.names.items()):
            return msgspec.json.Decoder(kind).decode
        places = {name: place for place, name in self.names.items()}

        def placed(row: Any) -> Any:
            """Return an object with places for names, anything else as it is."""
            if not isinstance(row, dict):
                return row
            return {places.get(name, UNKNOWN): value for name, value in row.items()}

        def decode(body: bytes) -> Any:
            """Return a body as its type; raise msgspec.ValidationError where it does not fit."""
            decoded = parse(body)
            if not key:
                return msgspec.convert(placed(decoded), kind)
            if isinstance(decoded, dict) and key in decoded:
                content = decoded[key]
                rows = list(map(placed, content)) if isinstance(content, list) else placed(content)
                decoded = {**decoded, key: rows}
            return msgspec.convert(decoded, kind)

        return decode

    def convert(self, rows: list[Any]) -> list[Row]:
        """Check rows that were decoded elsewhere; raise msgspec.ValidationError for a wrong one."""
        return [in_order(row) for row in msgspec.convert(rows, self.rows)]

    def rows_of(self, columns: Sequence[list[Any]]) -> list[Row]:
        """Return the rows of columns of equal length, in the order of the inputs.

        Values that lie apart in memory take many times longer, so a column is checked at a time,
        and its values are copied in the order of the rows. Raises msgspec.ValidationError for a
        wrong one.
        """
        import numpy as np  # noqa: PLC0415 - the port is open before numpy is imported

        checked = list(map(msgspec.convert, columns, self.columns))
        if not all({*map(type, column)} == {float} for column in checked):
            return list(zip(*checked, strict=True))
        table = np.empty((len(checked[0]), len(checked)))
        for place, column in enumerate(checked):
            table[:, place] = column
        return list(map(tuple, table.tolist()))


def rows_type(of_row: Any, max_rows: int) -> Any:
    """Return the type of a list that has something for each row."""
    return Annotated[list[of_row], Meta(min_length=1, max_length=max_rows)]


def request_type(name: str, field: str, content: Any) -> type[msgspec.Struct]:
    """Return the type of a body with one key, `field`."""
    return msgspec.defstruct(name, [(field, content)], forbid_unknown_fields=True)


def in_order(row: Any) -> Row:
    """Return the values of a decoded row in the order of the inputs."""
    return row if type(row) is tuple else msgspec.structs.astuple(row)
