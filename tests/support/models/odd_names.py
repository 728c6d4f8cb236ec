"""Names that a CSV file can hold and code may stumble over, and a table that has them all."""

from __future__ import annotations

import csv
import io

NUMERIC = (
    "1", "0", "1,0", "length", "constructor", "__proto__", "name", "action", "elements", "append",
    'Bemerkung "alt"', "C:\\temp\\new", "tab\there", "line\nbreak", "carriage\rreturn", "bell\x07",
    "del\x7f", "next\x85line", "line\u2028separator", "right\u202eto left", "größe ☃ 数",
    "e\u0301", "\u00e9", "$HOME ${x} $(id) `id`", "{braces} {{0}} %s", "__class__", "self", "class",
    "null", "a:b", "a.b", "a_b", "a b", "Size", "size", "<b>&amp;</b>", "</script>", "*|#~[x](y)",
    "@somebody", "'quoted'", "=1+1", "_sale", "features", "instances", "prediction", "probability",
    "x" * 1_000,
)  # fmt: skip
TEXTS = ('"', "\\", ";\t;", "toString", "model.toml # no comment")
CLASSES = ('yes "indeed"', "no\\never\nagain")
TARGET = 'is it "so"?\n\\'


def odd_rows(rows: int = 60) -> list[list[str]]:
    """Return a header of all names, and rows whose first number decides the class."""
    table = [[*NUMERIC, *TEXTS, TARGET]]
    for row in range(rows):
        numbers = [f"{row % 2 + row * place % 7 / 10}" for place in range(len(NUMERIC))]
        texts = ["uv"[(row + row // (place + 2)) % 2] for place in range(len(TEXTS))]
        table.append([*numbers, *texts, CLASSES[row % 2]])
    return table


def odd_csv() -> str:
    """Return the table as CSV."""
    text = io.StringIO()
    csv.writer(text).writerows(odd_rows())
    return text.getvalue()
