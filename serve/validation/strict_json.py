"""Read JSON that every parser reads alike, and quote it in messages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import accumulate
from typing import Any, NoReturn

from serve.errors import MalformedBody

JSON_TYPES: dict[Any, str] = {dict: "an object", list: "a list", tuple: "a list"}
MAX_QUOTE = 80  # characters of a value or a name
MAX_LIST = 500  # characters of several


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
                field=shortened(key),
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
    return shortened(json.dumps(value, ensure_ascii=False))


def shortened(text: str) -> str:
    """Return the text, or its beginning and an ellipsis where it is long."""
    return text if len(text) <= MAX_QUOTE else text[:MAX_QUOTE] + "…"


def shown(name: str) -> str:
    """Return the name of a field for a message: as it is, or as JSON where it could mislead."""
    is_plain = name.isprintable() and not {'"', "\\"} & set(name)
    return shortened(name if is_plain else json.dumps(name))


def listed(texts: Iterable[str]) -> str:
    """Return texts with commas between; of many, the first and how many others there are."""
    every = list(texts)
    ends = accumulate(len(text) + len(", ") for text in every)
    count = max(1, sum(end <= MAX_LIST for end in ends))
    others = f" and {len(every) - count} others" if len(every) > count else ""
    return ", ".join(every[:count]) + others
