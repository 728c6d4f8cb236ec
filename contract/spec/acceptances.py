"""The [accept] table of model.toml as text: what writes it, and what a model is made of without it.

An acceptance shapes no model: it is in no hash of inputs, and no code of a model sees it, so that
to add or to remove one trains nothing again. Only Python's own library is needed here, as planning
installs nothing.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping

TABLE = "accept"
HEADER = re.compile(rf"\s*\[\s*{TABLE}\s*\]\s*(#.*)?")
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def without(text: str) -> str:
    """Return a model.toml without its [accept], as it was before a line was written there.

    Raises ValueError for a text that is not TOML, or whose [accept] is no table of its own with one
    line for each acceptance.
    """
    parsed = tomllib.loads(text)
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("["):
            inside = HEADER.fullmatch(line.rstrip("\r\n")) is not None
        if not inside:
            kept.append(line)
    rest = f"{''.join(kept).rstrip()}\n"
    if tomllib.loads(rest) != {key: value for key, value in parsed.items() if key != TABLE}:
        raise ValueError(f"[{TABLE}] is no table of its own")
    return rest


def shaping(content: bytes) -> bytes:
    """Return what of a model.toml shapes its model; of one that cannot be read, all of it."""
    try:
        return without(content.decode()).encode()
    except ValueError:  # training says what is wrong with it
        return content


def written(text: str, accepted: Mapping[str, Mapping[str, str | float | None]]) -> str:
    """Return a model.toml whose [accept] holds these acceptances, and no others.

    Raises ValueError as `without` does.
    """
    rest = without(text)
    lines = [line(name, values) for name, values in accepted.items()]
    return "\n".join([rest, f"[{TABLE}]", *lines, ""]) if lines else rest


def line(name: str, values: Mapping[str, str | float | None]) -> str:
    """Return one acceptance as a line of TOML; a value of None is left out."""
    pairs = (f"{key} = {toml(value)}" for key, value in values.items() if value is not None)
    return f"{name if BARE_KEY.fullmatch(name) else toml(name)} = {{ {', '.join(pairs)} }}"


def toml(value: str | float) -> str:
    """Return a text or a number as TOML has it: as JSON does, but for DEL, which TOML escapes."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def lines_of(text: str) -> Iterable[str]:
    """Return the lines under [accept] of a model.toml that `written` has returned."""
    return text.removeprefix(without(text)).strip().splitlines()[1:]
