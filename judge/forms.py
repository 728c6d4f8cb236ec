"""One report in three forms: for machines, for a pull request, for a browser."""

from __future__ import annotations

from judge.judge import Judgement
from judge.markdown import markdown
from judge.page import html
from model.bundle import encode


def forms(found: Judgement) -> dict[str, bytes]:
    """Return the report by the ending of its file."""
    return {
        "json": encode(found.report),
        "md": markdown(found.report).encode(),
        "html": html(found).encode(),
    }
