"""Say why the schema refused a body: which row, which field, what was expected, what it got.

The typed decoder of `serve.validation.schema` decides. This module only explains, so it may be
slow: it decodes the body again, without types, and looks for the first thing that is wrong.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

import msgspec

from contract.bundle import Input, Manifest
from contract.inputs import FLOAT32_MAX, Domain
from serve.errors import InvalidRow, MalformedBody, Refusal
from serve.validation.schema import Schema

JSON_TYPES: dict[Any, str] = {dict: "an object", list: "a list", tuple: "a list"}
MAX_QUOTE = 80
MAX_CATEGORIES = 20


def parse(body: bytes | bytearray) -> Any:
    """Decode JSON that every parser reads alike (RFC 8259).

    Raises MalformedBody for a body that is not UTF-8 or not JSON, for a key that occurs twice, and
    for NaN and infinities.
    """
    try:
        return json.loads(body.decode(), object_pairs_hook=unique, parse_constant=refuse_constant)
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body must be UTF-8. Got {error.reason} instead.") from error
    except RecursionError as error:
        raise MalformedBody("The body must be JSON of a few levels. Got more instead.") from error
    except ValueError as error:
        raise MalformedBody(f"The body must be JSON. Got instead: {error}.") from error


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; raise MalformedBody for a key that occurs twice."""
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            raise MalformedBody(
                f"Every key must occur once in an object. Got {quote(key)} twice instead.",
                field=key,
            )
        members[key] = value
    return members


def refuse_constant(constant: str) -> NoReturn:
    """Refuse NaN and infinities, which Python's parser takes: raise MalformedBody."""
    raise MalformedBody(f"Every number must be finite. Got {constant} instead.", got=constant)


def quote(value: Any) -> str:
    """Return a value as JSON, shortened; of a list or an object, its kind."""
    if type(value) in JSON_TYPES:
        return JSON_TYPES[type(value)]
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_QUOTE else text[:MAX_QUOTE] + "…"


def body_problem(body: bytes, schema: Schema, error: Exception) -> Refusal:
    """Return why the schema refused a body of one row or many."""
    try:
        decoded = parse(body)
    except MalformedBody as malformed:
        return malformed
    if not isinstance(decoded, dict) or set(decoded) not in ({"features"}, {"instances"}):
        return shape_problem(decoded, '"features" (one row) or "instances" (a list of rows)')
    if "features" in decoded:
        return row_problem(decoded["features"], schema.manifest) or unknown_problem(error)
    return rows_problem(decoded["instances"], schema) or unknown_problem(error)


def shape_problem(decoded: Any, keys: str) -> Refusal:
    """Return the refusal of a body without the keys that it must have."""
    expected = f"an object with the one key {keys}"
    if isinstance(decoded, dict):
        got = "the keys " + (", ".join(quote(key) for key in decoded) or "none")
    else:
        got = quote(decoded)
    return problem("The body", expected, got)


def unknown_problem(error: Exception) -> Refusal:
    """Return the refusal of a body in which this module finds nothing wrong."""
    return InvalidRow(f"The body does not fit the model's schema: {error}.")


def rows_problem(rows: Any, schema: Schema, name: str = "instances") -> Refusal | None:
    """Return the first thing wrong with a list of rows, None if nothing is."""
    if not isinstance(rows, list) or not rows:
        got = "an empty list" if isinstance(rows, list) else quote(rows)
        return problem(name, "a list with at least one row", got)
    if len(rows) > schema.max_rows:
        expected = f"at most {schema.max_rows} rows (the setting MAX_ROWS)"
        return problem(name, expected, f"{len(rows)} rows")
    problems = (
        row_problem(row, schema.manifest, f"{name}[{index}]", index)
        for index, row in enumerate(rows)
    )
    return next(filter(None, problems), None)


def row_problem(
    row: Any, manifest: Manifest, name: str = "features", index: int = 0
) -> Refusal | None:
    """Return the first thing wrong with a row, None if nothing is.

    `name` is how messages call the row, `index` its place among the rows.
    """
    names = [field.name for field in manifest.inputs]
    if isinstance(row, dict):
        return named_problem(row, manifest, name, index)
    if not isinstance(row, list | tuple):
        return problem(name or "The row", "a list or an object of values", quote(row), row=index)
    if len(row) != len(names):
        expected = f"{len(names)} values ({', '.join(names)})"
        return problem(name or "The row", expected, f"{len(row)} values", row=index)
    return values_problem(dict(zip(names, row, strict=True)), manifest, name, index)


def named_problem(row: dict[str, Any], manifest: Manifest, name: str, index: int) -> Refusal | None:
    """Return the first thing wrong with a row that is an object, None if nothing is."""
    known = {field.name: field for field in manifest.inputs}
    for key in row:
        if key not in known:
            expected = f"one of the fields {', '.join(known)}"
            return problem(
                f"A field of {name or 'the row'}", expected, quote(key), row=index, field=key
            )
    for key, field in known.items():
        if key not in row and not field.missing:
            expected = value_words(field, manifest)
            return problem(dotted(name, key), expected, "nothing", row=index, field=key)
    return values_problem(row, manifest, name, index)


def values_problem(
    row: dict[str, Any], manifest: Manifest, name: str, index: int
) -> Refusal | None:
    """Return the first value of a row that does not fit, None if all do."""
    for field in manifest.inputs:
        value = row.get(field.name)
        if not Domain.of(field, manifest.serving).accepts(value):
            expected = value_words(field, manifest)
            where = dotted(name, field.name)
            return problem(where, expected, quote(value), row=index, field=field.name)
    return None


def value_words(field: Input, manifest: Manifest) -> str:
    """Return what a value must be, for a message."""
    domain = Domain.of(field, manifest.serving)
    if field.kind == "numeric":
        words = "a number (within ±3.4e38)"
        if domain.greatest != FLOAT32_MAX:
            words = f"a number from {domain.least:g} to {domain.greatest:g}"
    elif domain.categories:
        words = f"one of {', '.join(map(quote, sorted(domain.categories)[:MAX_CATEGORIES]))}"
    else:
        words = "a text that is not empty"
    return f"{words}, or null" if field.missing else words


def dotted(*names: str) -> str:
    """Return the names that are not empty, with dots between."""
    return ".".join(filter(None, names))


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
