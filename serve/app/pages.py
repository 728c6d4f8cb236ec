"""Pages for people: each one file without a network, under a strict Content-Security-Policy."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from fastapi import APIRouter, Response

from serve.api import paths
from serve.app.metadata import ServiceDependency
from serve.errors import UnknownRoute

router = APIRouter(include_in_schema=False)


class Page(Response):
    """An HTML file whose own scripts and styles, and no others, may run."""

    media_type = "text/html"

    def __init__(self, name: str) -> None:
        html = (Path(__file__).parent / name).read_text(encoding="utf-8")
        super().__init__(html, headers={"content-security-policy": policy(html)})


def policy(html: str) -> str:
    """Return a policy that allows the inline script and style of `html` by their hashes.

    Hash sources: W3C Content Security Policy Level 3.
    """
    parts = {
        kind: " ".join(
            source_hash(text) for text in re.findall(rf"<{kind}>(.*?)</{kind}>", html, re.DOTALL)
        )
        for kind in ("script", "style")
    }
    return (
        f"default-src 'none'; script-src {parts['script']}; style-src {parts['style']}; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def source_hash(text: str) -> str:
    """Return the hash source that allows one inline script or style."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


@router.get(paths.DOCS)
async def docs() -> Response:
    """Answer with the API reference."""
    return Page("docs.html")


@router.get(paths.HOME)
async def home(serving: ServiceDependency) -> Response:
    """Answer with the page that tries the model; raise UnknownRoute where PAGE switches it off."""
    if not serving.settings.page:
        raise UnknownRoute("The page is switched off (the setting PAGE). See /docs for the routes.")
    return Page("home.html")
