"""The templates of pages and of Markdown, which escape every value that they show."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from contract.console import UNSEEN
from judge.render import markdown

FOLDER = Path(__file__).with_name("templates")


def render(template: str, **values: object) -> bytes:
    """Return a template filled with values, as Markdown if its name says so, else as HTML."""
    text = environment(is_markdown=template.endswith(".md.j2")).get_template(template)
    return text.render(values).encode()


@cache
def environment(*, is_markdown: bool) -> Environment:
    """Return the Jinja environment of one kind of template.

    Jinja2 finalizes each value and then escapes it as HTML, unless it is Markup by then. Only these
    templates make Markup, so that nothing a caller passes is taken for it.
    """
    result = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        finalize=as_markdown if is_markdown else as_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    if is_markdown:
        result.filters |= {"code": markdown.quoted, "table": markdown.table}
    return result


def as_markdown(value: object) -> Markup:
    """Return Markdown as it is, and anything else escaped for Markdown."""
    return value if isinstance(value, Markup) else Markup(markdown.escape(value))  # noqa: S704


def as_text(value: object) -> str:
    """Return text without the controls that XML forbids, or that reorder what a reader sees."""
    return value if isinstance(value, Markup) else UNSEEN.sub("", str(value))
