"""Say why the schema refused a body: which row, which field, what was expected, what it got.

The typed decoder of `serve.validation.schema` decides. This module only explains, so it may be
slow: it decodes the body again, without types, and looks for all that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from contract.bundle import Input, Manifest
from contract.inputs import Domain, domains
from serve.errors import InvalidRow, MalformedBody, Refusal
from serve.validation.schema import Schema
from serve.validation.strict_json import listed, parse, quote, shortened, shown


def body_problem(body: bytes, schema: Schema, error: Exception) -> Refusal:
    """Return why the schema refused a body of one row or many."""
    try:
        decoded = parse(body)
    except MalformedBody as malformed:
        return malformed
    if not isinstance(decoded, dict) or set(decoded) not in ({"features"}, {"instances"}):
        return shape_problem(decoded, '"features" (one row) or "instances" (a list of rows)')
    if "features" in decoded:
        problems = Explainer(schema.manifest).row(decoded["features"])
        return InvalidRow.joined(problems) or unknown_problem(error)
    return rows_problem(decoded["instances"], schema) or unknown_problem(error)


def shape_problem(decoded: Any, keys: str) -> Refusal:
    """Return the refusal of a body without the keys that it must have."""
    expected = f"an object with the one key {keys}"
    if isinstance(decoded, dict):
        got = "the keys " + (listed(map(quote, decoded)) or "none")
    else:
        got = quote(decoded)
    return problem("The body", expected, got)


def unknown_problem(error: Exception) -> Refusal:
    """Return the refusal of a body in which this module finds nothing wrong."""
    return InvalidRow(f"The body does not fit the model's schema: {error}.")


class Explainer:
    """Says what is wrong with rows for a model: every value of them, in the order of the rows."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.names = [field.name for field in manifest.inputs]
        self.domains = domains(manifest.inputs, manifest.serving)

    def alone(self, row: Any) -> Refusal | None:
        """Return what is wrong with a row that comes by itself, None if nothing is."""
        return InvalidRow.joined(self.row(row, ""))

    def row(self, row: Any, name: str = "features", index: int = 0) -> Iterator[InvalidRow]:
        """Yield what is wrong with a row.

        `name` is how messages call the row, `index` its place among the rows.
        """
        if isinstance(row, dict):
            yield from self.named(row, name, index)
        elif not isinstance(row, list | tuple):
            expected = "a list or an object of values"
            yield problem(name or "The row", expected, quote(row), row=index)
        elif len(row) != len(self.names):
            expected = f"{len(self.names)} values ({listed(map(shown, self.names))})"
            yield problem(name or "The row", expected, f"{len(row)} values", row=index)
        else:
            yield from self.named(dict(zip(self.names, row, strict=True)), name, index)

    def named(self, row: dict[str, Any], name: str, index: int) -> Iterator[InvalidRow]:
        """Yield what is wrong with a row that is an object."""
        for key in row:
            if key not in self.domains:
                expected = f"one of the fields {listed(map(shown, self.names))}"
                where = f"A field of {name or 'the row'}"
                yield problem(where, expected, quote(key), row=index, field=shortened(key))
        for field in self.manifest.inputs:
            value = row.get(field.name)
            if not self.domains[field.name].accepts(value):
                got = quote(value) if field.name in row else "nothing"
                where = ".".join(filter(None, [name, shown(field.name)]))
                expected = value_words(field, self.domains[field.name])
                yield problem(where, expected, got, row=index, field=field.name)

    def rows(self, rows: Any, max_rows: int, name: str = "instances") -> Iterator[InvalidRow]:
        """Yield what is wrong with a list of rows."""
        if not isinstance(rows, list) or not rows:
            got = "an empty list" if isinstance(rows, list) else quote(rows)
            yield problem(name, "a list with at least one row", got)
        elif len(rows) > max_rows:
            expected = f"at most {max_rows} rows (the setting MAX_ROWS)"
            yield problem(name, expected, f"{len(rows)} rows")
        else:
            for index, row in enumerate(rows):
                yield from self.row(row, f"{name}[{index}]", index)


def rows_problem(rows: Any, schema: Schema, name: str = "instances") -> Refusal | None:
    """Return what is wrong with a list of rows, None if nothing is."""
    return InvalidRow.joined(Explainer(schema.manifest).rows(rows, schema.max_rows, name))


def value_words(field: Input, domain: Domain) -> str:
    """Return what a value must be, for a message."""
    words = f"one of {listed(map(quote, domain.choices))}" if domain.choices else domain.words
    return f"{words}, or null" if field.missing else words


def problem(
    where: str, expected: str, got: str, *, row: int | None = None, field: str | None = None
) -> InvalidRow:
    """Return the refusal of a value: where it is, what it must be, and what it is."""
    message = f"{where} must be {expected}. Got {got} instead."
    return InvalidRow(message, row=row, field=field, expected=expected, got=got)


def conversion_problem(rows: list[Any], schema: Schema, error: Exception) -> Refusal:
    """Return why the schema refused rows that were decoded elsewhere."""
    return rows_problem(rows, schema, "rows") or unknown_problem(error)


# What a decoder of the schema raises.
ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
