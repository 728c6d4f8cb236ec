"""Read one table of a model.toml key by key; every error names the file and the key."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from contract.errors import ModelError, did_you_mean

Choice = TypeVar("Choice", bound=str)
NOTHING = "nothing"


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

    def only(self, known: Sequence[str], *, required: Sequence[str] = ()) -> None:
        """Check the keys of the table.

        Raises ModelError for the first that is not known, and the first required one that is
        absent.
        """
        for name in self.values:
            if name not in known:
                where = f"{self.file}: key {self.key(name)!r}"
                expected = f"one of {', '.join(known)}"
                raise ModelError(where, expected, repr(name), did_you_mean(name, known))
        for name in required:
            if name not in self.values:
                self.fail(
                    name, "given", f"Add it to {self.file.name}; the README shows an example."
                )

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

    def texts(self, name: str, default: Sequence[str]) -> tuple[str, ...]:
        """Return a list of texts."""
        value = self.values.get(name, list(default))
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.fail(name, "a list of texts", f'Write {name} = ["…", "…"].')
        return tuple(value)

    def choice(self, name: str, choices: Sequence[Choice], default: Choice | None = None) -> Choice:
        """Return a text that is one of the choices."""
        value = self.values.get(name, default)
        if value not in choices:
            hint = f'Write "{choices[0]}".'
            cure = did_you_mean(value, choices) if isinstance(value, str) else hint
            self.fail(name, " or ".join(f'"{choice}"' for choice in choices), cure)
        return choices[choices.index(value)]

    def option(self, name: str, choices: Sequence[Choice]) -> Choice | None:
        """Return a text that is one of the choices, None where it is absent."""
        return self.choice(name, choices) if name in self.values else None

    def number(self, name: str, lowest: float, highest: float) -> float:
        """Return a number from `lowest` to `highest`."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(name, "a number", f"Write {name} = … without quotes.")
        if not lowest <= value <= highest:
            self.fail(name, f"from {lowest:g} to {highest:g}", "Choose a value in that range.")
        return float(value)

    def integer(self, name: str, lowest: int, highest: int, default: int) -> int:
        """Return a whole number from `lowest` to `highest`."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            expected = f"a whole number from {lowest} to {highest}"
            self.fail(name, expected, f"For example: {name} = {default}")
        return value
