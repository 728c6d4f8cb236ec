"""Words that somebody else wrote, put where they cannot become markup, a mention or a command."""

from __future__ import annotations

import re

SPECIAL = re.compile(r"([\\`*\[\]|]|(?<!\w)_|_(?!\w))")


def one_line(text: str) -> str:
    """Return the text without line breaks and control characters, which a log may act upon."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def plain(text: str) -> str:
    """Return Markdown that shows the text as it is; it may stand in a cell of a table."""
    safe = one_line(text).replace("&", "&amp;").replace("<", "&lt;")
    return SPECIAL.sub(r"\\\1", safe).replace("@", "@&#8203;")


def quoted(text: str) -> str:
    """Return the text as Markdown's code, in which nothing has a meaning, not even a mention."""
    line = one_line(text)
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}" if longest else f"{fence}{line}{fence}"
