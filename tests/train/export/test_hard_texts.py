"""Texts are compared in every form in which people write them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import numpy as np
import pytest

from train.export import hard_texts

SENTENCES = ("The model serves the code", "A garden grows on rain and soil", "x")


@pytest.fixture(scope="module")
def varied() -> list[str]:
    """What becomes of three sentences in 6,000 rows."""
    texts = np.array(SENTENCES * 2_000, dtype=object)
    return list(hard_texts.vary(np.random.default_rng(0), texts, empty=False))


WAYS: dict[str, Callable[[str], bool]] = {
    "letter of another alphabet": lambda text: any(sign in text for sign in "жאعहカ中"),
    "accent composed": lambda text: "é" in text,
    "accent as a mark of its own": lambda text: any(map(unicodedata.combining, text)),
    "capitals": lambda text: text == "THE MODEL SERVES THE CODE",
    "small letters": lambda text: text == "the model serves the code",
    "one word in capitals": lambda text: text == "The MODEL serves the code",
    "case of another length": lambda text: len(text.lower()) != len(text),
    "full width": lambda text: "model".translate(hard_texts.FULL_WIDTH) in text,
    "sign within a word": lambda text: re.search(r"[a-z][!-/:-@_][a-z]", text) is not None,
    "digit of another script": lambda text: "٣" in text,
    "emoji": lambda text: "😀" in text,
    "letter beyond 16 bits": lambda text: "𐐀" in text,
    "white space that is no space": lambda text: "\u3000" in text or "\xa0" in text,
    "invisible character": lambda text: "\u200b" in text,
    "line feed": lambda text: "\n" in text,
    "very long": lambda text: len(text) > 5_000,
    "very short": lambda text: len(text) == 1,
    "words in another order": lambda text: text.startswith("code "),
}


@pytest.mark.parametrize("way", WAYS)
def test_texts_are_varied_in_every_way(varied: list[str], way: str) -> None:
    """Letters, accents, cases, widths, signs, spaces and lengths all occur."""
    assert any(map(WAYS[way], varied))


def test_texts_are_such_that_a_request_can_hold(varied: list[str]) -> None:
    """None is empty, unless empty ones are wanted, and UTF-8 can hold all of them."""
    assert all(varied)
    assert all(text.encode().decode() == text for text in varied)
    texts = np.array(SENTENCES * 2_000, dtype=object)
    assert "" in hard_texts.vary(np.random.default_rng(0), texts, empty=True)


def test_texts_repeat(varied: list[str]) -> None:
    """Equal texts are varied equally in every training, and hardly two rows are the same."""
    texts = np.array(SENTENCES * 2_000, dtype=object)
    again = hard_texts.vary(np.random.default_rng(0), texts, empty=False)
    assert again.tolist() == varied
    assert len(set(varied)) > 3_000
    few = hard_texts.vary(np.random.default_rng(0), texts, empty=False, distinct=100)
    assert len(few) == 6_000
    assert 50 < len(set(few)) <= 100


def test_empty_text_can_be_varied() -> None:
    """A text without a character becomes others, as a column may hold empty ones."""
    texts = np.array([""] * 200, dtype=object)
    assert len(set(hard_texts.vary(np.random.default_rng(0), texts, empty=True))) > 20
