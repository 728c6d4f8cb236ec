"""Markdown that we write holds the text of strangers as text."""

from __future__ import annotations

import re

import pytest
from markdown_it import MarkdownIt

from judge.render.environment import environment
from judge.render.markdown import Markdown, block, escape, plain, quoted, table
from judge.render.table import Cell, Style, Table

GFM = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def test_words_of_the_data_are_no_markup() -> None:
    """A value that looks like a tag, a link, a mention or a cell's end is shown as text."""
    assert plain("1 <= 2 < 3 <4 <") == "1 <= 2 < 3 <4 &lt;"
    shown = plain("<b>|*x*|@you [a](b) _c_ d_e `f` \\ \n # g ~h~")
    expected = "&lt;b>\\|\\*x\\*\\|@&#8203;you \\[a\\](b) \\_c\\_ d_e \\`f\\` \\\\ # g \\~h\\~"
    assert shown == expected


@pytest.mark.parametrize(
    "text", ["# a", "#", "> a", "- a", "---", "+ a", "===", "1. a", "12) a", "1.", "-0.5", "1.5 a"]
)
def test_words_that_begin_a_line_are_no_heading_list_or_rule(text: str) -> None:
    """A line that begins like a heading, a list or a rule is shown as a paragraph."""
    assert GFM.render(f"before\n\n{escape(text)}\n") == (
        f"<p>before</p>\n<p>{text.replace('>', '&gt;')}</p>\n"
    )
    assert GFM.render(f"before\n{escape(text)}\n").count("<p>") == 1


def test_table_survives_any_text() -> None:
    """Bars and line breaks do not end a cell, in code either."""
    hostile = "x|y\nz `|` \\|"
    shown = table(Table(("a|b", "c"), [(hostile, Cell(hostile, Style.CODE))]))
    (row,) = re.findall(r"<tbody>(.*?)</tbody>", GFM.render(shown), re.DOTALL)
    cells = re.findall(r"<td>(.*?)</td>", row)
    assert cells == ["x|y z `|` \\|", "<code>x|y z `|` \\|</code>"]


def test_code_ends_where_its_fence_does() -> None:
    """The fence of code is longer than any backticks in it."""
    assert quoted("a``b") == "``` a``b ```"
    assert block("````\n# a", "sh") == "`````sh\n````\n# a\n`````"


def test_template_of_markdown_escapes_what_is_not_markdown() -> None:
    """A Markdown template escapes each value unless its type is Markdown."""
    template = environment(is_markdown=True).from_string(
        "{% macro shown(x) %}{{ x }}{% endmacro %}{{ x }}|{{ y }}|{{ shown(x) }}|{{ x ~ 1 }}"
    )
    rendered = template.render(x="*a* <b>", y=Markdown("*a* <b>"))
    assert rendered == "\\*a\\* &lt;b>|*a* <b>|\\*a\\* &lt;b>|\\*a\\* &lt;b>1"


def test_template_of_a_page_escapes_everything() -> None:
    """An HTML template escapes tags, quotes and characters that reorder text."""
    template = environment(is_markdown=False).from_string("{{ x }}|{{ y }}")
    assert template.render(x="<b>\x1b[31m\u202e", y='"') == "&lt;b&gt;[31m|&#34;"


def test_template_of_a_page_escapes_markdown() -> None:
    """What is safe in Markdown may still be a tag in HTML, where it is text like any other."""
    template = environment(is_markdown=False).from_string("{{ x }}")
    assert template.render(x=Markdown("*a* <b>")) == "*a* &lt;b&gt;"
