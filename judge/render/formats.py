"""One report in three forms: for machines, for a pull request, for a browser."""

from __future__ import annotations

from contract.bundle import encode
from judge.judge import Judgement
from judge.render.html import html
from judge.render.markdown import markdown


def forms(found: Judgement) -> dict[str, bytes]:
    """Return the report by the ending of its file."""
    return {
        "json": encode(found.report),
        "md": markdown(found.report).encode(),
        "html": html(found).encode(),
    }
