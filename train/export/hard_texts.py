"""Texts that a graph may read otherwise than Python: other letters, cases, accents, widths, signs.

In a graph, word characters are ASCII's, where Python's are Unicode's. Whole training texts show
nothing of that.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Callable
from random import Random
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

DISTINCT = 20_000
MOST_CHANGES = 3  # of one text
SHARE_OF_LONG = 0.001  # of the texts
LONG = 10_000  # characters
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
# Among them the Turkish i, sharp and long s and the kelvin sign: their other case is of another
# length, or of another alphabet.
LETTERS = "éÉüÜñçøåœžłıİğŞßẞſ\u212a\u212bŉǅﬁΣσςΩжЯђЄא中日カｶ한عىहไⅧªº"  # noqa: RUF001 - on purpose
DIGITS = "0123456789٣߃४½²①"
MARKS = "\u0301\u0308\u0327\u0302\u0307\u0345\u093f\u05b0"  # combining; a letter comes before
PUNCTUATION = string.punctuation + "«»“”\u2019\u2010\u2013—…·¿¡§€°、。،؟\u0387"
EMOJI = ("😀", "👍🏽", "👩‍👩‍👧", "🇩🇪", "❤️", "☃", "\U0001d518", "𐐀")
SPACES = ("  ", "\0", "\t", "\n", "\r\n", "\v", "\x1c", "\x85", "\xa0", "\u2003", "\u2028",
          "\u3000", "\u200b", "\u200d", "\u2060", "\ufeff", "\xad")  # fmt: skip
CASES = (str.upper, str.lower, str.title, str.swapcase, str.casefold)
FORMS: tuple[Literal["NFC", "NFD", "NFKC", "NFKD"], ...] = ("NFC", "NFD", "NFKC", "NFKD")

Change = Callable[[Random, str], str]


def vary(
    rng: Generator, texts: NDArray[np.object_], *, empty: bool, distinct: int = DISTINCT
) -> NDArray[np.object_]:
    """Return as many texts (texts,), each of which is one of them, changed in a few ways.

    Of those at most `distinct` differ, as each takes 30 µs to make. A few are very long; with
    `empty`, some are empty as well.
    """
    random = Random(int(rng.integers(2**32)))  # noqa: S311 - probes, and no secret
    chosen = rng.permutation(texts)[:distinct]
    made = np.array([varied(random, text, empty=empty) for text in chosen], dtype=object)
    return rng.permutation(np.resize(made, len(texts)))


def varied(random: Random, text: str, *, empty: bool) -> str:
    """Return one text changed; never empty unless `empty`."""
    result = text
    for change in random.choices(CHANGES, k=random.randint(1, MOST_CHANGES)):
        result = change(random, result)
    if random.random() < SHARE_OF_LONG:
        result = f"{result} " * (LONG // (len(result) + 1))
    return result if result or empty else random.choice(EMOJI)


def change_case(random: Random, text: str) -> str:
    """Change the case of every letter, or of one word."""
    return in_part(random, text, random.choice(CASES))


def widen(random: Random, text: str) -> str:
    """Write ASCII in full width, as in Japanese texts: everywhere, or in one word."""
    return in_part(random, text, lambda part: part.translate(FULL_WIDTH))


def normalise(random: Random, text: str) -> str:
    """Compose or decompose accents and compatible characters (Unicode's annex 15)."""
    return unicodedata.normalize(random.choice(FORMS), text)


def spell(random: Random, text: str) -> str:
    """Put a letter or a digit of any alphabet in the place of a character."""
    at = random.randrange(len(text) + 1)
    return f"{text[:at]}{random.choice(LETTERS + DIGITS)}{text[at + 1 :]}"


def accent(random: Random, text: str) -> str:
    """Put a combining mark, or two, after a character."""
    return insert(random, text, "".join(random.choices(MARKS, k=random.randint(1, 2))))


def punctuate(random: Random, text: str) -> str:
    """Insert a sign: between words, or within one."""
    return insert(random, text, random.choice(PUNCTUATION))


def decorate(random: Random, text: str) -> str:
    """Insert an emoji, or a letter beyond the first 65,536 characters of Unicode."""
    return insert(random, text, random.choice(EMOJI))


def space(random: Random, text: str) -> str:
    """Put another white space, or an invisible character, between two words or into one."""
    if random.random() < 0.5 and " " in text:
        return random.choice(SPACES).join(text.split(" "))
    return insert(random, text, random.choice(SPACES))


def cut(random: Random, text: str) -> str:
    """Leave out a part: it may be a letter, some words, or all."""
    start, end = sorted(random.choices(range(len(text) + 1), k=2))
    return text[:start] + text[end:] if random.random() < 0.8 else text[start:end]


def reorder(random: Random, text: str) -> str:
    """Put the words in another order, and the first one twice."""
    words = text.split(" ")
    return " ".join([*random.sample(words, len(words)), words[0]])


def insert(random: Random, text: str, part: str) -> str:
    """Insert a part somewhere, the ends included."""
    at = random.randrange(len(text) + 1)
    return f"{text[:at]}{part}{text[at:]}"


def in_part(random: Random, text: str, change: Callable[[str], str]) -> str:
    """Change the whole text, or one word of it."""
    if random.random() < 0.5:
        return change(text)
    words = text.split(" ")
    at = random.randrange(len(words))
    return " ".join([*words[:at], change(words[at]), *words[at + 1 :]])


CHANGES: tuple[Change, ...] = (
    change_case,
    widen,
    normalise,
    spell,
    accent,
    punctuate,
    decorate,
    space,
    cut,
    reorder,
)
