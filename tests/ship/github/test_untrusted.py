"""What a stranger wrote does nothing in a comment of ours, and fits into it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ship.github.untrusted import ACTIVE, BREAK, bounded, neutral

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
ALLOWED = re.compile(r"</?(details|summary|b|br|sub|sup)>")
HTML = re.compile(r"<[a-zA-Z/!?]")
PARTS = [
    "<", "<a>", "<!--", "-->", "<?", "<![CDATA[", "<script\n", "<details>", "</details>", "<b>",
    "[", "]", "(", ")", "![", "]:", "[^1]", "//e.x", "http://e.x", "<http://e.x>", "<a@b.c>",
    "&#64;", "&lt;", "\\", "*", "_", "`", "```\n", "|", "- ", "> ", "    ", "\t", "\n", "\n\n",
    " ", "x", '"', "'", "/x", "@a", "#1", "\u200b",
]  # fmt: skip


@pytest.mark.parametrize(
    ("attack", "harmless"),
    [
        ("@octocat", "@·octocat"),
        (r"\@octocat", r"\@·octocat"),
        ("&#64;octocat", "&·#·64;octocat"),
        ("&commat;octocat", "&·commat;octocat"),
        ("a@b.example", "a@·b.example"),
        ("<!-- model-images: report -->", "<·!-- model-images: report -->"),
        ("<img src=x>", "<·img src=x>"),
        ("<details open>", "<·details open>"),
        ("</details><SCRIPT>", "</details><·SCRIPT>"),
        ("<irc://evil.example>", "<·irc://evil.example>"),
        ("https://evil.example", "https·://evil.example"),
        ("_HTTP://evil.example_", "_HTTP·://evil.example_"),
        ("www.evil.example", "www·.evil.example"),
        ("mailto:a", "mailto·:a"),
        ("![x](y)", "!·[x]·(y)"),
        ("[x](//evil.example)", "[x]·(//evil.example)"),
        ("[x][y]", "[x]·[y]"),
        ("[y]: //evil.example", "[y]·: //evil.example"),
        ("octo/other#1", "octo/other#·1"),
        ("GH-1", "GH-·1"),
        ("text\n/approve", "text\n·/approve"),
        ("hidden\u202etxet", "hiddentxet"),
        ("@\u200boctocat", "@·octocat"),
        ("\U000e0041tag", "tag"),
    ],
)
def test_neutral_breaks_what_github_would_act_on(attack: str, harmless: str) -> None:
    """Mentions, references, links, images, HTML, commands and invisible text do nothing."""
    assert neutral(attack).replace(BREAK, "·") == harmless


@given(st.text(alphabet="@#<>!/?[]():;&.h1tpsw GH-\n\u200b"))
def test_neutral_leaves_nothing_to_break(given_text: str) -> None:
    """Neutral text of any text holds nothing active and the same visible text."""
    made = neutral(given_text)
    assert ACTIVE.search(made) is None
    assert made.replace(BREAK, "") == given_text.replace(BREAK, "")


@given(st.lists(st.sampled_from(PARTS)).map("".join))
def test_neutral_is_rendered_without_links_images_and_html(given_text: str) -> None:
    """A parser of Markdown, which is not ours, finds none of them, wherever the text came from."""
    for token in tokens(MARKDOWN.parse(neutral(given_text))):
        assert token.type not in {"link_open", "image"}
        if token.type in {"html_inline", "html_block"}:
            assert HTML.search(ALLOWED.sub(" ", token.content)) is None


def tokens(parsed: Iterable[Token]) -> Iterator[Token]:
    """Yield each token of Markdown, those inside others too."""
    for token in parsed:
        yield token
        yield from tokens(token.children or [])


@given(st.text(), st.integers(min_value=10, max_value=100))
def test_bounded_is_never_longer(given_text: str, limit: int) -> None:
    """Text is cut to the limit in bytes, and so in characters."""
    made = bounded(given_text, "cut\n", limit)
    assert len(made) <= len(made.encode()) <= limit
