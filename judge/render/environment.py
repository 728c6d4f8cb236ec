"""The templates of pages and of Markdown, which escape every value that they show."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from judge.render import markdown

FOLDER = Path(__file__).with_name("templates")


def render(template: str, **values: object) -> bytes:
    """Return a template filled with values, as Markdown if its name says so, else as HTML."""
    text = environment(is_markdown=template.endswith(".md.j2")).get_template(template)
    return text.render(values).encode()


@cache
def environment(*, is_markdown: bool) -> Environment:
    """Return the Jinja environment of one kind of template.

    In Markdown, `markdown.escape` escapes a value, and HTML's escape then leaves it as it is.
    """
    result = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        finalize=markdown.escape if is_markdown else None,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    if is_markdown:
        result.filters |= {"code": markdown.quoted, "table": markdown.table}
    return result
