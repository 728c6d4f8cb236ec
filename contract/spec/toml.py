"""Read one table of a model.toml key by key; every error names the file and the key."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NamedTuple,
    NoReturn,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

import msgspec
from msgspec import Meta

from contract.errors import ModelError, did_you_mean

Choice = TypeVar("Choice", bound=str)
Table = TypeVar("Table", bound=msgspec.Struct)
NOTHING = "nothing"


class Key(NamedTuple):
    """A key of a table of model.toml, as a field of a Struct of `contract.spec.tables` has it."""

    name: str
    types: tuple[Any, ...]  # of which its value has one
    description: str
    examples: tuple[Any, ...]
    default: Any  # None: what its description says
    required: bool
    least: float
    greatest: float
    mistake: tuple[str, str]  # what an absent value, or one of none of the types, must be; the cure
    otherwise: str  # the cure of a text that is like none of the choices; "" to list them


def keys(table: type[msgspec.Struct]) -> dict[str, Key]:
    """Return the keys of a table by their names; that of a tagged Struct is among them."""
    tag = table.__struct_config__.tag_field
    kind: Any = Literal[table.__struct_config__.tag]
    result = {tag: make_key(tag, kind, required=True)} if tag else {}
    for field in msgspec.structs.fields(table):
        name, default = field.encode_name, field.default
        result[name] = make_key(name, field.type, default, required=field.required)
    return result


def make_key(name: str, annotation: Any, default: Any = None, *, required: bool) -> Key:
    """Return the key of a field: `Annotated[type, Meta]`, or a union of such types and None."""
    metas: list[Meta] = []

    def bare(annotated: Any) -> Any:
        """Return the type without its Meta, which is kept."""
        metas.extend(getattr(annotated, "__metadata__", ()))
        return get_args(annotated)[0] if hasattr(annotated, "__metadata__") else annotated

    outer = bare(annotation)
    is_union = get_origin(outer) in (Union, UnionType)
    types = tuple(bare(kind) for kind in (get_args(outer) if is_union else (outer,)))

    def stated(attribute: str, default: Any) -> Any:
        """Return what the first Meta that says something of it says."""
        values = (getattr(meta, attribute) for meta in metas)
        return next((value for value in values if value is not None), default)

    extra = stated("extra", {})
    return Key(
        name=name,
        types=tuple(kind for kind in types if kind is not NoneType),  # TOML has no null
        description=stated("description", ""),
        examples=tuple(stated("examples", ())),
        default=None if default is msgspec.NODEFAULT else default,
        required=required,
        least=stated("ge", -math.inf),
        greatest=stated("le", math.inf),
        mistake=(
            extra.get("expected", "given"),
            extra.get("cure", "Add it to model.toml; the README shows an example."),
        ),
        otherwise=extra.get("otherwise", ""),
    )


def load(file: Path) -> Section:
    """Read a TOML file; raise ModelError if it cannot be read or is not TOML."""
    try:
        return Section(file, "", tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise ModelError(
            file, "a readable file", error.strerror, "Write it, or: make new-model"
        ) from error
    except ValueError as error:
        raise ModelError(file, "TOML in UTF-8", error, "Mend that line.") from error


class Section:
    """A table at `path` (dotted) of a TOML file; its methods raise ModelError for a wrong value."""

    def __init__(self, file: Path, path: str, values: dict[str, Any]) -> None:
        self.file = file
        self.path = path
        self.values = values

    def key(self, name: str) -> str:
        """Return the dotted path of a key."""
        return f"{self.path}.{name}" if self.path else name

    def fail(self, name: str, expected: str, cure: str) -> NoReturn:
        """Raise the ModelError for a key: what it must be, what it is, and the cure."""
        got = repr(self.values[name]) if name in self.values else NOTHING
        raise ModelError(f"{self.file}: {self.key(name)}", expected, got, cure)

    def only(self, known: Sequence[str]) -> None:
        """Check the keys of the table; raise ModelError for the first that is not known."""
        for name in self.values:
            if name not in known:
                where = f"{self.file}: key {self.key(name)!r}"
                expected = f"one of {', '.join(known)}"
                raise ModelError(where, expected, repr(name), did_you_mean(name, known))

    def check(self, table: type[msgspec.Struct]) -> None:
        """Check the keys of the table; raise ModelError for an unknown or an absent one."""
        known = keys(table)
        self.only(tuple(known))
        for key in known.values():
            if key.required and key.name not in self.values:
                self.fail(key.name, *key.mistake)

    def read(self, table: type[Table]) -> Table:
        """Return the table as a Struct whose fields are its keys.

        Raises ModelError for the first key that is unknown, absent or of a wrong value.
        """
        self.check(table)
        return self.pick(table)

    def pick(self, table: type[Table]) -> Table:
        """Return some keys of the table as a Struct; raise ModelError for a wrong value."""
        tag = table.__struct_config__.tag_field
        read = {key.name: self.value(key) for key in keys(table).values() if key.name != tag
                and key.name in self.values}  # fmt: skip
        return table(**read)

    def value(self, key: Key) -> Any:
        """Return the value of a key, which has one of its types and is in its range."""
        if len(key.types) > 1:
            return self.union(key)
        kind = key.types[0]
        if get_origin(kind) is Literal:
            return self.choice(key.name, get_args(kind), key.otherwise)
        if get_origin(kind) is tuple:
            return self.texts(key.name)
        if kind is int:
            example = key.examples[0] if key.default is None else key.default
            return self.integer(key.name, key.least, key.greatest, example)
        if kind is float:
            return self.number(key.name, key.least, key.greatest)
        return self.text(key.name)

    def union(self, key: Key) -> Any:
        """Return a value of one of several types; a date is the text that is written for it."""
        value = self.values[key.name]
        if isinstance(value, date):
            value = value.isoformat()
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        for kind in key.types:
            if get_origin(kind) is tuple and isinstance(value, list):
                return self.texts(key.name)
            if kind is float and is_number:
                self.number(key.name, key.least, key.greatest)
                return value
            if value in get_args(kind) or (type(value) is kind and str(value).strip()):
                return value
        return self.fail(key.name, *key.mistake)

    def subsection(self, name: str) -> Section:
        """Return a table, empty where it is absent."""
        value = self.values.get(name, {})
        if not isinstance(value, dict):
            header = self.key(name)
            self.fail(name, "a table", f"Write it as [{header}] with one key per line.")
        return Section(self.file, self.key(name), value)

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self.values.get(name)
        if not isinstance(value, str) or not value.strip():
            self.fail(name, "a text that is not empty", f'Write {name} = "…".')
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.values.get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fail(name, "a list of texts", f'Write {name} = ["…", "…"].')
        return tuple(value)

    def choice(self, name: str, choices: Sequence[Choice], otherwise: str = "") -> Choice:
        """Return a text that is one of the choices; `otherwise` cures one that is like none."""
        value = self.values.get(name)
        if value not in choices:
            hint = f'Write "{choices[0]}".'
            cure = did_you_mean(value, choices, otherwise) if isinstance(value, str) else hint
            self.fail(name, " or ".join(f'"{choice}"' for choice in choices), cure)
        return choices[choices.index(value)]

    def number(self, name: str, lowest: float, highest: float) -> float:
        """Return a number from `lowest` to `highest`."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(name, "a number", f"Write {name} = … without quotes.")
        if not lowest <= value <= highest:
            self.fail(name, f"from {lowest:g} to {highest:g}", "Choose a value in that range.")
        return float(value)

    def integer(self, name: str, lowest: float, highest: float, example: int) -> int:
        """Return a whole number from `lowest` to `highest`."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            expected = f"a whole number from {lowest:.0f} to {highest:.0f}"
            self.fail(name, expected, f"For example: {name} = {example}")
        return value
